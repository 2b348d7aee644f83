using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    /// <inheritdoc/>
    public ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
    {
        if (!_pools.TryGetValue(runner.Pool, out var pool))
        {
            return new((RunnerRegistration?)null);
        }

        var changes = new StoreChanges(pool);
        RunnerRegistration result;
        lock (pool.Namespace.Gate)
        {
            lock (pool.Gate)
            {
                if (pool.Config is null)
                {
                    return new((RunnerRegistration?)null);
                }

                var entry = pool.FindRunner(runner.Key);
                if (entry is null)
                {
                    entry = Add(pool, runner);
                    changes.Capacity = true;
                }
                else
                {
                    entry.Ping(time.GetTimestamp(), Now);
                    pool.Renew(entry, Renewed(entry.Record, runner), changes);
                }

                var drained = DrainByVersion(pool, changes);
                result = new(entry.Record, drained);
            }
        }

        Finish(changes);
        return new(result);
    }

    /// <inheritdoc/>
    public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken)
        => new(_runners.TryGetValue(runnerId, out var entry) ? Heard(entry) : null);

    /// <inheritdoc/>
    public ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (!_runners.TryGetValue(runnerId, out var entry))
        {
            return new(false);
        }

        var changes = new StoreChanges(entry.Pool);
        lock (entry.Pool.Gate)
        {
            if (entry.Record.StopTs != 0)
            {
                return new(false);
            }

            if (entry.Record.DrainRequestTs == 0)
            {
                entry.Update(entry.Record with { DrainRequestTs = Now });
                changes.CapacityWanted = true;
                DrainByVersion(entry.Pool, changes);
            }
        }

        Finish(changes);
        return new(true);
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken)
        => new(_runners.TryGetValue(runnerId, out var entry) && Stop(entry, null));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken)
    {
        var states = new StreamState[beats.Count];
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = Beat(beats[i]);
        }

        return new(states);
    }

    /// <inheritdoc/>
    public ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken)
        => new(_runners.TryGetValue(runnerId, out var entry) ? entry.Record : null);

    /// <inheritdoc/>
    public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken)
    {
        if (!_namespaces.TryGetValue(query.Namespace, out var names))
        {
            ListCursor.CheckLimit(query.Limit);
            ListCursor.ReadNumber(ListCursor.Runners, query.Cursor);
            return new(new Page<RunnerRecord>([], null));
        }

        lock (names.Gate)
        {
            return new(names.Runners.List(query));
        }
    }

    /// <inheritdoc/>
    public ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (!_runners.TryGetValue(runnerId, out var entry))
        {
            return new((RunnerActors?)null);
        }

        lock (entry.Pool.Gate)
        {
            return new(entry.Record.StopTs != 0
                ? null
                : new RunnerActors(entry.Record.ActorsVersion, entry.Actors.Select(a => new RunnerActor(a.Record.Id, a.Record.Generation)).ToArray()));
        }
    }

    private HeartbeatResult? Heard(RunnerEntry entry)
    {
        var eligibleAfter = rules().EligibleAfter;
        var changes = new StoreChanges(entry.Pool);
        RunnerRecord record;
        lock (entry.Pool.Gate)
        {
            if (entry.Record.StopTs != 0)
            {
                return null;
            }

            var wasEligible = RunnerAllocator.IsEligible(Candidate(entry), eligibleAfter);
            entry.Ping(time.GetTimestamp(), Now);
            record = entry.Record;
            changes.Capacity = !wasEligible && record is { DrainTs: 0, RemainingSlots: > 0 };
        }

        Finish(changes);
        return new HeartbeatResult(record.DrainTs != 0, record.ActorsVersion);
    }

    private StreamState Beat(StreamBeat beat)
    {
        if (!_runners.TryGetValue(beat.RunnerId, out var entry))
        {
            return StreamState.Ended;
        }

        if (Stop(entry, null, onlyDrained: true))
        {
            return StreamState.Ended;
        }

        lock (entry.Pool.Gate)
        {
            if (entry.Record is not { StopTs: 0, Stream: { } stream })
            {
                return StreamState.Ended;
            }

            if (beat.IsLeaving && !stream.IsLeaving)
            {
                entry.Update(entry.Record with { Stream = stream with { IsLeaving = true } });
            }
        }

        // Null: it was stopped in between.
        return Heard(entry) is not { } heard ? StreamState.Ended
            : heard.Draining ? StreamState.Draining : StreamState.Serving;
    }

    /// <summary>Stops a runner unless it is stopped already or, given <paramref name="lostAfter"/>, was heard of meanwhile, or, asked for
    /// drained ones only, does not drain or has actors.</summary>
    private bool Stop(RunnerEntry entry, TimeSpan? lostAfter, bool onlyDrained = false)
    {
        var changes = new StoreChanges(entry.Pool);
        lock (entry.Pool.Gate)
        {
            if (entry.Record.StopTs != 0 || (lostAfter is { } after && !IsLost(entry, after))
                || (onlyDrained && (entry.Record is { DrainTs: 0 } or { Stream: null } || entry.Actors.Count > 0)))
            {
                return false;
            }

            entry.Pool.Stop(entry, Restart, Now, changes);
            DrainByVersion(entry.Pool, changes);
        }

        var names = entry.Pool.Namespace;
        lock (names.Gate)
        {
            names.Purge(TombstonesBefore, PurgedPerBurial);
            names.Runners.Bury(entry, time.GetTimestamp());
        }

        Finish(changes);
        return true;
    }

    private bool IsLost(RunnerEntry entry, TimeSpan lostAfter) => !entry.Record.IsStatic && time.GetElapsedTime(entry.Pinged) > lostAfter;

    /// <summary>Those that drain by version since now. Under the pool's lock.</summary>
    private List<RunnerRecord> DrainByVersion(PoolState pool, StoreChanges changes)
    {
        var isOn = pool.Config is { DrainOnVersionUpgrade: true };
        var threshold = VersionDrain.Threshold(pool.Runners.Select(r => Candidate(r)), isOn, rules().EligibleAfter);
        return pool.DrainByVersion(threshold, Now, changes);
    }

    private RunnerEntry Add(PoolState pool, NewRunner runner)
    {
        var now = Now;
        var record = new RunnerRecord
        {
            Address = new(runner.RunnerId, runner.Location),
            Pool = pool.Id,
            Key = runner.Key,
            Version = runner.Version,
            TotalSlots = runner.TotalSlots,
            RemainingSlots = runner.TotalSlots,
            IsStatic = runner.IsStatic,
            Stream = runner.Stream,
            CreateTs = now,
            LastPingTs = now,
        };
        var entry = new RunnerEntry(pool.Namespace.NextSequence(), pool, record, time.GetTimestamp());
        if (!_runners.TryAdd(runner.RunnerId, entry))
        {
            throw new ArgumentException("the runner id is taken", nameof(runner));
        }

        pool.AddRunner(entry);
        pool.Namespace.Runners.Add(entry);
        return entry;
    }

    private static RunnerRecord Renewed(RunnerRecord record, NewRunner runner) => record with
    {
        // By value: routes to an address that did not change keep sharing it.
        Address = record.Address with { Location = runner.Location },
        Version = runner.Version,
        TotalSlots = runner.TotalSlots,
        IsStatic = record.IsStatic || runner.IsStatic,
    };
}
