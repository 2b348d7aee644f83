using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>
/// A pool: its runner-config, its live runners and the transitions of its actors, all under one lock (in Redis: one hash slot). Every
/// member but <see cref="Id"/>, <see cref="Namespace"/> and <see cref="Config"/> needs <see cref="Gate"/>. A lock of a namespace may be
/// held when this one is taken, never the other way round.
/// </summary>
internal sealed class PoolState(PoolId id, NamespaceState @namespace)
{
    private readonly Dictionary<string, RunnerEntry> _byId = [];
    private readonly Dictionary<string, RunnerEntry> _byKey = [];
    private readonly HashSet<ActorEntry> _starting = [];
    private readonly HashSet<ActorEntry> _stopping = [];
    private readonly HashSet<ActorEntry> _rescheduled = [];
    private readonly Dictionary<ActorEntry, long> _pending = [];
    private volatile PoolConfig? _config;

    public Lock Gate { get; } = new();

    public PoolId Id { get; } = id;

    public NamespaceState Namespace { get; } = @namespace;

    /// <summary>Null before the first runner-config and after it was deleted. Written under <see cref="Gate"/>.</summary>
    public PoolConfig? Config
    {
        get => _config;
        set => _config = value;
    }

    /// <summary>Runners that are neither lost nor deleted.</summary>
    public IReadOnlyCollection<RunnerEntry> Runners => _byId.Values;

    /// <summary>Actors that are told to stop and have not.</summary>
    public IReadOnlyCollection<ActorEntry> Stopping => _stopping;

    /// <summary>Actors with a time to start again at.</summary>
    public IReadOnlyCollection<ActorEntry> Rescheduled => _rescheduled;

    /// <summary>Actors whose start is under way.</summary>
    public IReadOnlyCollection<ActorEntry> Starting => _starting;

    /// <summary>The fence: under which lease the pool was looked at last.</summary>
    public UpkeepLease Keeper { get; set; }

    /// <summary>Notes that somebody wants a slot for the actor and there is none.</summary>
    /// <param name="actor">The actor, pending.</param>
    /// <param name="timestamp">The provider's timestamp now.</param>
    public void Pend(ActorEntry actor, long timestamp) => _pending[actor] = timestamp;

    /// <summary>How many want a slot; those nobody asked for since <paramref name="after"/> are forgotten.</summary>
    public int CountPending(long after)
    {
        foreach (var (actor, asked) in _pending)
        {
            if (asked < after)
            {
                _pending.Remove(actor);
            }
        }

        return _pending.Count;
    }

    public RunnerEntry? FindRunner(string key) => _byKey.GetValueOrDefault(key);

    public void AddRunner(RunnerEntry runner)
    {
        _byId.Add(runner.Record.RunnerId, runner);
        _byKey.Add(runner.Record.Key, runner);
    }

    /// <summary>
    /// Makes <paramref name="next"/> the record of an actor and moves its slot: one is taken exactly while
    /// <see cref="ActorLifecycle.HoldsSlot"/>, per generation. All slots are taken and given back here.
    /// </summary>
    public void Apply(ActorEntry actor, ActorRecord next, StoreChanges changes)
    {
        var before = actor.Record;
        if (ReferenceEquals(before, next))
        {
            return;
        }

        var had = ActorLifecycle.HoldsSlot(before.State);
        var has = ActorLifecycle.HoldsSlot(next.State);
        var sameRun = had && has && before.Generation == next.Generation;
        actor.Record = next;
        changes.Add(actor, next);
        if (had && !sameRun && _byId.TryGetValue(before.Runner!.RunnerId, out var left))
        {
            left.Release(actor);
            changes.Capacity |= left.Record is { RemainingSlots: > 0, DrainTs: 0 };
        }

        Index(_starting, actor, next.State == ActorState.Starting);
        Index(_stopping, actor, next.State == ActorState.Stopping);
        Index(_rescheduled, actor, next.RescheduleTs != 0);
        if (next.State != ActorState.Pending)
        {
            _pending.Remove(actor);
        }

        if (has && !sameRun)
        {
            _byId[next.Runner!.RunnerId].Take(actor);
        }
    }

    /// <summary>Stops a runner, and its slots with it: then its actors lose it.</summary>
    public void Stop(RunnerEntry runner, in RestartTiming restart, long now, StoreChanges changes)
    {
        runner.Update(runner.Record with { StopTs = now });
        foreach (var actor in runner.Actors.ToArray())
        {
            Apply(actor, ActorLifecycle.RunnerLost(actor.Record, restart, now), changes);
        }

        _byId.Remove(runner.Record.RunnerId);
        _byKey.Remove(runner.Record.Key);
    }

    /// <summary>Applies what changed of a runner that registered again; its actors learn a new address.</summary>
    public void Renew(RunnerEntry runner, RunnerRecord next, StoreChanges changes)
    {
        runner.Update(next);
        foreach (var actor in runner.Actors)
        {
            Apply(actor, ActorLifecycle.RunnerMoved(actor.Record, next.Address), changes);
        }

        changes.Capacity = true;
    }

    /// <summary>Applies <see cref="VersionDrain"/> to every runner; those that drain since now.</summary>
    public List<RunnerRecord> DrainByVersion(int? threshold, long now, StoreChanges changes)
    {
        var drained = new List<RunnerRecord>();
        foreach (var runner in _byId.Values)
        {
            var before = runner.Record;
            var next = VersionDrain.Apply(before, threshold, now);
            if (ReferenceEquals(before, next))
            {
                continue;
            }

            runner.Update(next);
            if (next.VersionDrainTs != 0)
            {
                drained.Add(runner.Record);
            }
            else
            {
                changes.Capacity |= runner.Record is { RemainingSlots: > 0, DrainTs: 0 };
            }
        }

        return drained;
    }

    private static void Index(HashSet<ActorEntry> index, ActorEntry actor, bool isIn)
    {
        if (isIn)
        {
            index.Add(actor);
        }
        else
        {
            index.Remove(actor);
        }
    }
}
