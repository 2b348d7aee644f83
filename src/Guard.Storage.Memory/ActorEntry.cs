using Guard.Model.Actors;

namespace Guard.Storage.Memory;

/// <summary>
/// Where an actor's current record stands. Every index points here, so a transition is one write. Read by anyone through
/// <see cref="Record"/>; written only under the lock of <see cref="Pool"/>.
/// </summary>
internal sealed class ActorEntry(long sequence, PoolState pool, ActorRecord record) : Created(sequence)
{
    private volatile ActorRecord _record = record;

    public PoolState Pool { get; } = pool;

    public ActorRecord Record
    {
        get => _record;
        set => _record = value;
    }
}
