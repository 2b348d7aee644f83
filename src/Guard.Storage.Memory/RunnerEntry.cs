using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Storage.Memory;

/// <summary>
/// A runner, and the actors that hold its slots: the slots in use are their number, so the two cannot disagree. Everything but
/// <see cref="Record"/> is guarded by the lock of <see cref="Pool"/>, and so are writes of it.
/// </summary>
internal sealed class RunnerEntry(long sequence, PoolState pool, RunnerRecord record, long pinged) : Created(sequence)
{
    private readonly Dictionary<ActorId, ActorEntry> _actors = [];
    private volatile RunnerRecord _record = record;

    public PoolState Pool { get; } = pool;

    public RunnerRecord Record => _record;

    /// <summary>When it was last heard of, by the provider's timestamp: a wall clock that is set must not lose a runner.</summary>
    public long Pinged { get; private set; } = pinged;

    /// <summary>When it registered, by the provider's timestamp.</summary>
    public long Registered { get; } = pinged;

    public IReadOnlyCollection<ActorEntry> Actors => _actors.Values;

    /// <summary>Replaces the record; the slots left and the version of the actors are kept in step.</summary>
    public void Update(RunnerRecord record) => _record = record with { RemainingSlots = Remaining(record) };

    public void Ping(long timestamp, long now)
    {
        Pinged = timestamp;
        _record = _record with { LastPingTs = now };
    }

    public void Take(ActorEntry actor)
    {
        _actors.Add(actor.Record.Id, actor);
        ActorsChanged();
    }

    public void Release(ActorEntry actor)
    {
        _actors.Remove(actor.Record.Id);
        ActorsChanged();
    }

    // The version is for a runner that compares lists; a stopped one has none.
    private void ActorsChanged() => Update(_record with { ActorsVersion = _record.ActorsVersion + (_record.StopTs == 0 ? 1 : 0) });

    // A runner that registers again may offer fewer slots than it uses.
    private int Remaining(RunnerRecord record) => record.StopTs == 0 ? Math.Max(0, record.TotalSlots - _actors.Count) : 0;
}
