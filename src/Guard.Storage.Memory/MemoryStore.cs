using System.Collections.Concurrent;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>
/// The embedded store: everything in this process, empty at start. One lock per pool orders the transitions of its actors and runners, as
/// one hash slot does in Redis; the maps by id are concurrent and reads by id take no lock. Every call completes at once, never waits for
/// I/O and never throws <see cref="StoreException"/>; cancellation is not looked at. Thread-safe.
/// </summary>
/// <remarks>Changes are published after all locks are released.</remarks>
/// <param name="feed">Told of every change.</param>
/// <param name="countSuccess">Counts a success of a pool, in one step with the start that ended ready: called under the pool's lock. Returns
/// what of it is to be published.</param>
/// <param name="rules">Asked at each call: new rules count from the next one.</param>
/// <param name="time">The clock of all times in records; ages are measured by its timestamp, so setting the wall clock loses no runner.</param>
/// <param name="random">Draws the sample of an allocation and the jitter of restarts; must be thread-safe unless the store is used by one thread. Null =
/// <see cref="Random.Shared"/>.</param>
internal sealed partial class MemoryStore(
    MemoryChangeFeed feed, Func<PoolId, IReadOnlyList<PoolHealthSnapshot>?> countSuccess, Func<StoreRules> rules, TimeProvider time, Random? random = null)
    : IActorStore, IRunnerStore, IPoolStore, IPoolUpkeepStore, IActorImportStore
{
    /// <summary>How long destroyed actors and stopped runners stay to be seen.</summary>
    public static readonly TimeSpan TombstoneTtl = TimeSpan.FromHours(1);

    // Each burial pays for several: memory stays bounded even if nobody sweeps.
    private const int PurgedPerBurial = 16;
    private const int PurgedPerHold = 1024;

    private readonly Random _random = random ?? Random.Shared;
    private readonly ConcurrentDictionary<PoolId, PoolState> _pools = new();
    private readonly ConcurrentDictionary<string, NamespaceState> _namespaces = new();
    private readonly ConcurrentDictionary<ActorId, ActorEntry> _actors = new();
    private readonly ConcurrentDictionary<string, RunnerEntry> _runners = new();
    private readonly PartitionLeases _leases = new(time);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private RestartTiming Restart => rules().Restart.Draw(_random);

    private long TombstonesBefore => Before(TombstoneTtl);

    /// <summary>Buries the actors that were destroyed, then publishes. Call after the pool's lock is released.</summary>
    private void Finish(StoreChanges changes)
    {
        foreach (var (entry, record) in changes.Actors)
        {
            if (record.State == ActorState.Destroyed)
            {
                var names = changes.Pool.Namespace;
                lock (names.Gate)
                {
                    names.Purge(TombstonesBefore, PurgedPerBurial);
                    names.Actors.Bury(entry, time.GetTimestamp());
                }
            }
        }

        foreach (var (_, record) in changes.Actors)
        {
            feed.PublishActor(record.Id, record.Pool, record.Revision);
        }

        foreach (var health in changes.Health ?? [])
        {
            feed.PublishPoolHealth(health);
        }

        if (changes.Capacity)
        {
            feed.PublishCapacity(changes.Pool.Id);
        }

        if (changes.CapacityWanted)
        {
            feed.PublishCapacityWanted(changes.Pool.Id);
        }
    }

    /// <summary>Forgets every tombstone of a namespace that is due.</summary>
    private void Purge(NamespaceState names)
    {
        var done = false;
        while (!done)
        {
            lock (names.Gate)
            {
                done = names.Purge(TombstonesBefore, PurgedPerHold);
            }
        }
    }

    /// <summary>The provider's timestamp that long ago.</summary>
    private long Before(TimeSpan span) => time.GetTimestamp() - (long)(span.TotalSeconds * time.TimestampFrequency);

    private RunnerCandidate Candidate(RunnerEntry runner, bool ownSlot = false)
        => new(ownSlot ? runner.Record with { RemainingSlots = runner.Record.RemainingSlots + 1 } : runner.Record, time.GetElapsedTime(runner.Pinged));
}
