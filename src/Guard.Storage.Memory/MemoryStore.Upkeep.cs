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
        bool isTaken;
        List<RunnerRecord> drained;
        List<ActorRecord> timedOut;
        lock (pool.Gate)
        {
            var (holder, until) = pool.Lease;
            var isFree = holder is null || time.GetTimestamp() >= until;
            if (!isFree && holder != terms.GuardId)
            {
                return new((PoolSweep?)null);
            }

            isTaken = isFree;
            pool.Lease = (terms.GuardId, time.GetTimestamp() + (long)(terms.LeaseTtl.TotalSeconds * time.TimestampFrequency));
            silent = pool.Runners.Where(r => IsLost(r, terms.LostAfter))
                .OrderBy(r => r.Pinged).ThenBy(r => r.Record.RunnerId, StringComparer.Ordinal).Take(IPoolUpkeepStore.MostPerSweep).ToArray();
            drained = DrainByVersion(pool, changes);
            timedOut = GiveUp(pool, pool.Stopping.Where(a => a.Record.StopDeadlineTs <= Now), changes);
        }

        Finish(changes);

        // One hold per runner: the actors of a whole pool at once could keep others waiting.
        var lost = silent.Where(entry => Stop(entry, terms.LostAfter)).Select(entry => entry.Record).ToArray();
        Purge(pool.Namespace);
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
                NextRestart = rescheduled.Length > due.Length ? TimeSpan.FromMilliseconds(Math.Max(0, rescheduled[due.Length].RescheduleTs - now)) : null,
            });
        }
    }

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(PoolId pool, string guardId, CancellationToken cancellationToken)
    {
        if (_pools.TryGetValue(pool, out var state))
        {
            lock (state.Gate)
            {
                state.Lease = state.Lease.GuardId == guardId ? default : state.Lease;
            }
        }

        return default;
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
        if (runner.Record.StopTs != 0 || since == 0 || now - since < terms.Delay.TotalMilliseconds)
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
