using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    private const int MaxStopping = 1000;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => new([.. _pools.Keys]);

    /// <inheritdoc/>
    public ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        if (!_pools.TryGetValue(terms.Pool, out var pool))
        {
            return new((PoolSweep?)null);
        }

        var changes = new StoreChanges(pool);
        RunnerEntry[] silent;
        TimeSpan? silence;
        bool isTaken;
        List<RunnerRecord> drained;
        List<ActorRecord> timedOut;
        lock (pool.Gate)
        {
            if (pool.Keeper.Epoch > terms.Lease.Epoch)
            {
                return new((PoolSweep?)null);
            }

            isTaken = pool.Keeper != terms.Lease;
            pool.Keeper = terms.Lease;
            silence = Silence(pool);
            silent = pool.Runners.Where(r => IsLost(r, terms.LostAfter))
                .OrderBy(r => r.Pinged).ThenBy(r => r.Record.RunnerId, StringComparer.Ordinal).Take(IPoolUpkeepStore.MostPerSweep).ToArray();
            drained = DrainByVersion(pool, changes);
            timedOut = GiveUp(pool, pool.Stopping.Where(a => a.Record.StopDeadlineTs <= Now), changes);
        }

        Finish(changes);

        // One hold per runner: the actors of a whole pool at once could keep others waiting.
        var lost = silent.Where(entry => Stop(entry, terms.LostAfter)).Select(entry => entry.Record).ToArray();
        lock (pool.Gate)
        {
            var now = Now;
            var rescheduled = pool.Rescheduled.Select(a => a.Record).OrderBy(a => a.RescheduleTs).Take(IPoolUpkeepStore.MostPerSweep + 1).ToArray();
            var due = rescheduled.TakeWhile(a => a.RescheduleTs <= now).Take(IPoolUpkeepStore.MostPerSweep).ToArray();
            return new(new PoolSweep
            {
                IsTaken = isTaken,
                Lost = lost,
                DrainedByVersion = drained,
                Draining = pool.Runners.Where(r => r.Record.DrainTs != 0 && r.Actors.Count > 0).Select(r => r.Record).ToArray(),
                TimedOut = timedOut,
                DueRestarts = Array.ConvertAll(due, a => a.Id),
                Config = pool.Config,
                Pending = pool.CountPending(Before(rules().PendingFor)),
                Streams = pool.Runners.Where(r => r.Record.Stream is not null).Select(Streaming).ToArray(),
                HasTombstones = true,
                Silence = silence,
                HasVersions = pool.Config is { DrainOnVersionUpgrade: true } && pool.Runners.DistinctBy(r => r.Record.Version).Skip(1).Any(),
                StartingFor = pool.Starting.Count > 0 ? TimeSpan.FromMilliseconds(Math.Max(0, now - pool.Starting.Min(a => a.Record.StartTs))) : null,
                NextDeadline = pool.Stopping.Count > 0 ? TimeSpan.FromMilliseconds(Math.Max(0, pool.Stopping.Min(a => a.Record.StopDeadlineTs) - now)) : null,
                NextRestart = rescheduled.Length > due.Length ? TimeSpan.FromMilliseconds(Math.Max(0, rescheduled[due.Length].RescheduleTs - now)) : null,
            });
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken) => new(_leases.Lease(terms));

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken)
    {
        _leases.Release(guardId);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        var silences = new TimeSpan?[pools.Count];
        for (var i = 0; i < silences.Length; i++)
        {
            if (_pools.TryGetValue(pools[i], out var pool))
            {
                lock (pool.Gate)
                {
                    silences[i] = Silence(pool);
                }
            }
        }

        return new(silences);
    }

    /// <summary>Unlike in Redis tombstones are a namespace's, and forgetting them costs no round trip: all that are due go.</summary>
    public ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken)
    {
        if (_pools.TryGetValue(pool, out var state) && Keeps(state, lease))
        {
            Purge(state.Namespace);
        }

        return new(false);
    }

    /// <inheritdoc/>
    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken)
    {
        if (!_runners.TryGetValue(terms.RunnerId, out var runner) || !runner.Pool.Id.Equals(terms.Pool))
        {
            return new(Eviction.None);
        }

        var changes = new StoreChanges(runner.Pool);
        Eviction result;
        lock (runner.Pool.Gate)
        {
            result = Evict(runner, terms, changes);
        }

        Finish(changes);
        return new(result);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken)
    {
        if (!_pools.TryGetValue(pool, out var state))
        {
            return new([]);
        }

        lock (state.Gate)
        {
            return new(state.Stopping.Select(a => a.Record).OrderBy(a => a.StopDeadlineTs).Take(MaxStopping).ToArray());
        }
    }

    /// <inheritdoc/>
    public ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
    {
        feed.PublishConnect(pool, failure, wait);
        return default;
    }

    private static bool Keeps(PoolState pool, UpkeepLease lease)
    {
        lock (pool.Gate)
        {
            return pool.Keeper == lease;
        }
    }

    /// <summary>Under the pool's lock.</summary>
    private TimeSpan? Silence(PoolState pool)
    {
        TimeSpan? longest = null;
        foreach (var runner in pool.Runners)
        {
            if (!runner.Record.IsStatic && time.GetElapsedTime(runner.Pinged) is var silence && !(silence <= longest))
            {
                longest = silence;
            }
        }

        return longest;
    }

    /// <inheritdoc/>
    public ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken)
    {
        feed.PublishActor(actor.Id, actor.Pool, actor.Revision);
        return default;
    }

    private StreamRunner Streaming(RunnerEntry runner)
    {
        var (record, stream) = (runner.Record, runner.Record.Stream!);
        return new(
            record.RunnerId, stream.Owner, stream.Terms, record.Version, record.TotalSlots, runner.Actors.Count,
            stream.OpenedAgo + time.GetElapsedTime(runner.Registered), record.DrainTs != 0, stream.IsLeaving);
    }

    private Eviction Evict(RunnerEntry runner, EvictionTerms terms, StoreChanges changes)
    {
        var now = Now;
        var since = runner.Record.DrainTs;
        if (runner.Pool.Keeper != terms.Lease || runner.Record.StopTs != 0 || since == 0 || now - since < terms.Delay.TotalMilliseconds)
        {
            return Eviction.None;
        }

        var deadline = since + (long)terms.Grace.TotalMilliseconds;
        if (now >= deadline)
        {
            var timedOut = GiveUp(runner.Pool, runner.Actors, changes);
            return new() { TimedOut = timedOut, HasMore = runner.Actors.Count > 0 };
        }

        var ready = runner.Actors.Where(a => a.Record.State == ActorState.Ready).Take(terms.Most + 1).ToArray();
        var stopping = ready.Take(terms.Most).ToArray();
        foreach (var actor in stopping)
        {
            runner.Pool.Apply(actor, ActorLifecycle.BeginStop(actor.Record, deadline)!, changes);
        }

        return new() { Stopping = Array.ConvertAll(stopping, a => a.Record), HasMore = ready.Length > stopping.Length };
    }

    /// <summary>Those that were given up, as they were before. Under the pool's lock.</summary>
    private List<ActorRecord> GiveUp(PoolState pool, IEnumerable<ActorEntry> actors, StoreChanges changes)
    {
        var timedOut = new List<ActorRecord>();
        foreach (var actor in actors.Take(IPoolUpkeepStore.MostPerSweep).ToArray())
        {
            timedOut.Add(actor.Record);
            pool.Apply(actor, ActorLifecycle.DrainTimedOut(actor.Record, Restart, Now), changes);
        }

        return timedOut;
    }
}
