using System.Collections.Concurrent;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Upkeep;

/// <summary>One pool, or those of <see cref="Pools"/>. Answers sweeps as told and shows what each asked for.</summary>
internal sealed class ScriptedUpkeepStore : IPoolUpkeepStore
{
    private long _epoch = 1;

    public volatile bool Fails;
    public volatile bool Bug;

    /// <summary>Another Guard holds the leases.</summary>
    public volatile bool IsHeldElsewhere;

    /// <summary>The leases have run out since they were renewed last.</summary>
    public volatile bool RanOut;

    /// <summary>Handed out once.</summary>
    public IReadOnlyList<RunnerRecord> Lost { get; set; } = [];

    public IReadOnlyList<PoolId> Pools { get; set; } = [new("default", "lobbies")];

    public volatile string? Released;

    /// <summary>The pools that were swept, in order.</summary>
    public ConcurrentQueue<PoolSweepTerms> Sweeps { get; } = new();

    /// <summary>How a pool's sweep is answered, where not as the others.</summary>
    public Func<PoolSweepTerms, Task<PoolSweep>>? Sweep { get; set; }

    /// <summary>What is told of a pool's silence.</summary>
    public Func<PoolId, TimeSpan?> Silence { get; set; } = static _ => null;

    public ConcurrentQueue<int> Checks { get; } = new();

    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => new(Pools);

    public async ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (Fails || IsHeldElsewhere)
        {
            return Fails ? throw new StoreException(StoreFailure.Away, "scripted") : [];
        }

        if (RanOut)
        {
            RanOut = false;
            _epoch++;
        }

        return [.. Enumerable.Range(0, UpkeepPartition.Count).Select(p => new PartitionLease(p, _epoch))];
    }

    public async ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        await Task.Yield();

        // Decided before the look is shown: what the test changes then is for the next one.
        var (bug, lost) = (Bug, Lost);
        Lost = [];
        Sweeps.Enqueue(terms);
        return bug ? throw new InvalidOperationException("scripted")
            : Sweep is { } answer ? await answer(terms)
            : Empty with { Lost = lost };
    }

    public static PoolSweep Empty { get; } = new() { IsTaken = false, Lost = [], DrainedByVersion = [], Draining = [], TimedOut = [], DueRestarts = [], NextRestart = null };

    public ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        Checks.Enqueue(pools.Count);
        return new(pools.Select(Silence).ToArray());
    }

    public ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken) => new(false);

    public ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken)
    {
        Released = guardId;
        return default;
    }

    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken) => new([]);
}
