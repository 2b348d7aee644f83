using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;

namespace Guard.Model.Stores;

/// <summary>
/// What one Guard at a time does for a pool: it declares runners lost, evicts actors from draining ones and finds the restarts that are
/// due. The right to it is a lease. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.
/// </summary>
internal interface IPoolUpkeepStore
{
    /// <summary>Most runners, actors and tombstones one sweep takes on; the next one goes on.</summary>
    const int MostPerSweep = 500;

    /// <summary>How long an actor that was refused a slot counts as pending, unless it is asked for again: whoever waits for it asks every
    /// <paramref name="repairInterval"/>. Outlives two lost tries.</summary>
    static TimeSpan PendingFor(TimeSpan repairInterval) => repairInterval * 3 > MinPending ? repairInterval * 3 : MinPending;

    private static readonly TimeSpan MinPending = TimeSpan.FromSeconds(5);

    /// <summary>Every pool that has, or had, a runner-config: runners and actors may outlive it.</summary>
    ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Takes or renews the lease of a pool, and with it: declares every runner lost that is silent for longer than asked for, as
    /// <see cref="IRunnerStore.DeleteAsync"/> does (static ones never are); computes the drains by version anew, for a runner may have
    /// aged or come back; gives up actors whose deadline to stop has passed; forgets tombstones that are due. Null when another Guard
    /// holds the lease: then nothing is done.
    /// </summary>
    ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken);

    /// <summary>Gives the lease back, if it is held, so that another Guard need not wait for its end.</summary>
    ValueTask ReleaseAsync(PoolId pool, string guardId, CancellationToken cancellationToken);

    /// <summary>
    /// The next step of a runner's drain. Before the delay has passed: nothing. Then: some ready actors begin to stop; the caller tells
    /// the runner. After the grace: actors that are still there are given up with runner_draining_timeout, at most
    /// <see cref="MostPerSweep"/> per call.
    /// </summary>
    ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken);

    /// <summary>Tells every Guard, by the feed alone, how a connect of the pool ended: see <see cref="IChangeSink.ConnectEnded"/>.</summary>
    ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Actors of a pool that were told to stop, or were to be by a Guard that died, and have not; at most 1000.</summary>
    ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken);
}

/// <param name="GuardId">Who asks for the lease.</param>
/// <param name="LeaseTtl">How long it is held after this sweep.</param>
/// <param name="LostAfter">From which silence a runner is lost; <see cref="TimeSpan.MaxValue"/> loses none.</param>
internal sealed record PoolSweepTerms(PoolId Pool, string GuardId, TimeSpan LeaseTtl, TimeSpan LostAfter);

internal sealed record PoolSweep
{
    /// <summary>The lease was free, or another's, until this sweep: whoever held it before may have left things half done.</summary>
    public required bool IsTaken { get; init; }

    /// <summary>Runners this sweep declared lost, the longest silent first, as each was left then; whatever else the sweep tells is how
    /// things are without them.</summary>
    public required IReadOnlyList<RunnerRecord> Lost { get; init; }

    /// <summary>Runners that drain by version since this sweep, as they were when they began to.</summary>
    public required IReadOnlyList<RunnerRecord> DrainedByVersion { get; init; }

    /// <summary>Runners that drain and still have actors.</summary>
    public required IReadOnlyList<RunnerRecord> Draining { get; init; }

    /// <summary>Actors this sweep gave up because their deadline to stop had passed, as they were before.</summary>
    public required IReadOnlyList<ActorRecord> TimedOut { get; init; }

    /// <summary>Actors whose <see cref="ActorRecord.RescheduleTs"/> has come, longest due first, at most
    /// <see cref="IPoolUpkeepStore.MostPerSweep"/>.</summary>
    public required IReadOnlyList<ActorId> DueRestarts { get; init; }

    /// <summary>Until the next restart after those is due; null when there is none.</summary>
    public required TimeSpan? NextRestart { get; init; }

    /// <summary>The runner-config; null when it was deleted.</summary>
    public PoolConfig? Config { get; init; }

    /// <summary>Actors that want a slot and have none, and for whom somebody asked within <see cref="IPoolUpkeepStore.PendingFor"/>.</summary>
    public int Pending { get; init; }

    /// <summary>The live runners whose lives are streams, in no particular order.</summary>
    public IReadOnlyList<StreamRunner> Streams { get; init; } = [];
}

/// <summary>A live runner whose life is a stream, as one sweep found it.</summary>
/// <param name="RunnerId">The runner.</param>
/// <param name="Owner">The Guard that holds the stream.</param>
/// <param name="Terms">What the stream was opened with.</param>
/// <param name="Version">Of the runner.</param>
/// <param name="TotalSlots">Its slots.</param>
/// <param name="Actors">Those in use: actors that start, run or stop there.</param>
/// <param name="Age">Since the stream was opened.</param>
/// <param name="IsDraining">It takes no new actors.</param>
/// <param name="IsLeaving">Its Guard is about to end.</param>
internal sealed record StreamRunner(
    string RunnerId, string Owner, string Terms, int Version, int TotalSlots, int Actors, TimeSpan Age, bool IsDraining, bool IsLeaving);

/// <param name="Delay">From the drain's beginning to the first actor told to stop.</param>
/// <param name="Grace">From the drain's beginning until those that have not stopped are given up.</param>
/// <param name="Most">Actors that may begin to stop now; at least 0.</param>
internal sealed record EvictionTerms(PoolId Pool, string RunnerId, TimeSpan Delay, TimeSpan Grace, int Most);

internal sealed record Eviction
{
    public static readonly Eviction None = new();

    /// <summary>Actors that are stopping since this call, with the runner to be told.</summary>
    public IReadOnlyList<ActorRecord> Stopping { get; init; } = [];

    /// <summary>Actors given up, as they were before.</summary>
    public IReadOnlyList<ActorRecord> TimedOut { get; init; } = [];

    /// <summary>Whether more ready actors wait for their turn, or more actors are to be given up.</summary>
    public bool HasMore { get; init; }
}
