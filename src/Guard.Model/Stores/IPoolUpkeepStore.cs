using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;

namespace Guard.Model.Stores;

/// <summary>
/// What one Guard at a time does for a pool: it declares runners lost, evicts actors from draining ones and finds the restarts that are
/// due. The right to it is the lease of the pool's partition; the lease's epoch is a fence that the pool itself keeps. Atomic, thread-safe,
/// and throwing as <see cref="IActorStore"/>.
/// </summary>
internal interface IPoolUpkeepStore
{
    /// <summary>Most runners and actors one sweep takes on; the next one goes on.</summary>
    const int MostPerSweep = 500;

    /// <summary>Most tombstones one call forgets.</summary>
    const int MostPerPurge = 100;

    /// <summary>How long an actor that was refused a slot counts as pending, unless it is asked for again: whoever waits for it asks every
    /// <paramref name="repairInterval"/>. Outlives two lost tries.</summary>
    static TimeSpan PendingFor(TimeSpan repairInterval) => repairInterval * 3 > MinPending ? repairInterval * 3 : MinPending;

    private static readonly TimeSpan MinPending = TimeSpan.FromSeconds(5);

    /// <summary>Every pool that has, or had, a runner-config: runners and actors may outlive it.</summary>
    ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Renews the leases of partitions (<see cref="UpkeepPartition"/>) that a Guard holds and takes free ones, in one round trip; what it
    /// holds now. All Guards that ask get equal shares: what one holds beyond its share it gives up here, and the others take it when they ask
    /// next. A lease that was taken, also by the Guard that held it before it ran out, has a higher epoch than any before it.
    /// </summary>
    ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken);

    /// <summary>Gives all leases of a Guard back, so that others need not wait for their end.</summary>
    ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken);

    /// <summary>
    /// Looks at a pool for the holder of its lease, and with it: declares every runner lost that is silent for longer than asked for, as
    /// <see cref="IRunnerStore.DeleteAsync"/> does (static ones never are); computes the drains by version anew, for a runner may have
    /// aged or come back; gives up actors whose deadline to stop has passed. Null, and without effect, when the fence refuses the lease:
    /// the pool has been looked at under a higher epoch.
    /// </summary>
    ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken);

    /// <summary>For each pool, in the order given and in one round trip: for how long the runner that is silent for longest has been; null
    /// where none has to be heard of. Needs no lease and changes nothing.</summary>
    ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken);

    /// <summary>Forgets at most <see cref="MostPerPurge"/> tombstones that are due; true when there are more. Fenced as
    /// <see cref="SweepAsync"/>.</summary>
    ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken);

    /// <summary>
    /// The next step of a runner's drain. Before the delay has passed: nothing. Then: some ready actors begin to stop; the caller tells
    /// the runner. After the grace: actors that are still there are given up with runner_draining_timeout, at most
    /// <see cref="MostPerSweep"/> per call. Fenced as <see cref="SweepAsync"/>.
    /// </summary>
    ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken);

    /// <summary>Tells every Guard, by the feed alone, how a connect of the pool ended: see <see cref="IChangeSink.ConnectEnded"/>.</summary>
    ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Tells every Guard of an actor again, by the feed alone, as if it had changed: see <see cref="IChangeSink.ActorChanged"/>.</summary>
    ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken);

    /// <summary>Actors of a pool that were told to stop, or were to be by a Guard that died, and have not; at most 1000.</summary>
    ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken);
}

/// <param name="GuardId">Who asks.</param>
/// <param name="Ttl">How long the leases are held after this call.</param>
/// <param name="IsLeaving">It is about to end: it has no share while another Guard asks, and all that is free while none does.</param>
internal sealed record LeaseTerms(string GuardId, TimeSpan Ttl, bool IsLeaving = false);

/// <param name="Partition">See <see cref="UpkeepPartition"/>.</param>
/// <param name="Epoch">Rises with each taking.</param>
internal readonly record struct PartitionLease(int Partition, long Epoch);

/// <summary>By what right a pool is looked after.</summary>
/// <param name="GuardId">Who holds the lease of the pool's partition.</param>
/// <param name="Epoch">Of that lease.</param>
internal readonly record struct UpkeepLease(string GuardId, long Epoch);

/// <param name="LostAfter">From which silence a runner is lost; <see cref="TimeSpan.MaxValue"/> loses none.</param>
internal sealed record PoolSweepTerms(PoolId Pool, UpkeepLease Lease, TimeSpan LostAfter);

internal sealed record PoolSweep
{
    /// <summary>The first sweep under this lease: whoever held the one before may have left things half done.</summary>
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

    /// <summary>Until the next deadline of an actor to stop passes, or the next tombstone is due; null when there is neither.</summary>
    public TimeSpan? NextDeadline { get; init; }

    /// <summary>Tombstones may be due.</summary>
    public bool HasTombstones { get; init; }

    /// <summary>For how long the runner that is silent for longest has been, at the sweep's beginning; null when none has to be heard of.</summary>
    public TimeSpan? Silence { get; init; }

    /// <summary>The pool drains by version and has runners of several: who drains depends on who is silent.</summary>
    public bool HasVersions { get; init; }

    /// <summary>For how long the oldest start under way has been; null when there is none.</summary>
    public TimeSpan? StartingFor { get; init; }

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
internal sealed record EvictionTerms(PoolId Pool, UpkeepLease Lease, string RunnerId, TimeSpan Delay, TimeSpan Grace, int Most);

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
