using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>One empty store under test, with its clock and its feed. Every provider's tests make their own.</summary>
internal abstract class StoreFixture : IAsyncDisposable
{
    public abstract IActorStore Actors { get; }

    public abstract IRunnerStore Runners { get; }

    public abstract IPoolStore Pools { get; }

    public abstract IPoolUpkeepStore Upkeep { get; }

    public IActorImportStore Import => (IActorImportStore)Actors;

    /// <summary>Subscribed before the first call.</summary>
    public FeedRecorder Feed { get; } = new();

    public GuardOptions Options { get; } = new();

    /// <summary>The store's clock, Unix ms.</summary>
    public abstract long Now { get; }

    /// <summary>Moves the store's clock.</summary>
    public abstract ValueTask AdvanceAsync(TimeSpan time);

    /// <summary>Sweeps a pool as the Guard that keeps it.</summary>
    public async Task<PoolSweep> SweepAsync(PoolId pool, TimeSpan lostAfter, CancellationToken ct)
        => (await Upkeep.SweepAsync(new(pool, new("sweeper", 1), lostAfter), ct))!;

    /// <summary>Forgets every tombstone of a pool that is due.</summary>
    public async Task PurgeAsync(PoolId pool, CancellationToken ct)
    {
        await SweepAsync(pool, TimeSpan.MaxValue, ct);
        while (await Upkeep.PurgeAsync(pool, new("sweeper", 1), ct))
        {
        }
    }

    /// <summary>Sweeps every pool; the runners declared lost.</summary>
    public async Task<IReadOnlyList<RunnerRecord>> SweepLostAsync(TimeSpan lostAfter, CancellationToken ct)
    {
        var lost = new List<RunnerRecord>();
        foreach (var pool in await Upkeep.ListPoolsAsync(ct))
        {
            lost.AddRange((await SweepAsync(pool, lostAfter, ct)).Lost);
        }

        return lost;
    }

    /// <summary>Completes when everything published so far has reached <see cref="Feed"/>.</summary>
    public abstract ValueTask SettleAsync();

    /// <summary>How often the health of a pool was told of a success.</summary>
    public abstract ValueTask<int> SuccessesAsync(PoolId pool);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
