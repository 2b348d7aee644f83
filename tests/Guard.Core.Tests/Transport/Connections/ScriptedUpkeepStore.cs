using System.Threading.Channels;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Transport.Connections;

/// <summary>One pool. Answers sweeps as told and shows what each asked for.</summary>
internal sealed class ScriptedUpkeepStore : IPoolUpkeepStore
{
    private static readonly PoolId Pool = new("default", "lobbies");
    private readonly Channel<TimeSpan> _looks = Channel.CreateUnbounded<TimeSpan>();
    private string? _holder;

    public volatile bool Fails;
    public volatile bool Bug;

    /// <summary>Another Guard holds the lease.</summary>
    public volatile bool IsHeldElsewhere;

    /// <summary>The lease has run out since the last sweep.</summary>
    public volatile bool RanOut;

    /// <summary>Handed out once.</summary>
    public IReadOnlyList<RunnerRecord> Lost { get; set; } = [];

    public volatile string? Released;

    public async Task<TimeSpan> NextLookAsync(CancellationToken ct)
        => await _looks.Reader.ReadAsync(ct).AsTask().WaitAsync(TimeSpan.FromSeconds(10), ct);

    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => new([Pool]);

    public async ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        await Task.Yield();

        // Decided before the look is shown: what the test changes then is for the next one.
        var (fails, bug, lost, elsewhere, taken) = (Fails, Bug, Lost, IsHeldElsewhere, RanOut || _holder is null);
        Lost = [];
        RanOut = false;
        _holder = terms.GuardId;
        _looks.Writer.TryWrite(terms.LostAfter);
        return fails ? throw new StoreException(StoreFailure.Away, "scripted")
            : bug ? throw new InvalidOperationException("scripted")
            : elsewhere ? null
            : new() { IsTaken = taken, Lost = lost, DrainedByVersion = [], Draining = [], TimedOut = [], DueRestarts = [], NextRestart = null };
    }

    public ValueTask ReleaseAsync(PoolId pool, string guardId, CancellationToken cancellationToken)
    {
        Released = guardId;
        return default;
    }

    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken) => new([]);
}
