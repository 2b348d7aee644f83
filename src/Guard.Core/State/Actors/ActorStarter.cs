using System.Collections.Concurrent;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Actors;

/// <summary>
/// The wakes of this Guard: at most one per actor, and by the store's compare-and-set at most one start of all Guards. A wake belongs to
/// no request: a start that was sent runs to its end also when every request has left. Thread-safe.
/// </summary>
internal sealed class ActorStarter(WakeServices services) : IChangeSink
{
    private readonly ConcurrentDictionary<ActorId, ActorWake> _wakes = new();

    public WakeServices Services => services;

    public SlotQueues Slots { get; } = new(services.Actors, services.Options, services.Time);

    /// <summary>Whether this Guard is starting the actor now; a wake that waits for a slot, or follows another Guard's start, is not.</summary>
    public bool IsStarting(ActorId id) => _wakes.TryGetValue(id, out var wake) && wake.IsStarting;

    /// <summary>Whether a wake of this Guard is under way for the actor, whatever it waits for.</summary>
    public bool IsDriving(ActorId id) => _wakes.ContainsKey(id);

    /// <summary>How many wakes of a pool wait for a slot; for tests.</summary>
    public int CountWaiting(PoolId pool) => Slots.CountOf(pool);

    /// <summary>Joins the wake of the actor, or begins one. It goes on until the listener leaves, or it has told that it has ended.</summary>
    public ActorWake Wake(ActorId id, PoolId pool, WakeListener listener)
    {
        while (true)
        {
            if (_wakes.TryGetValue(id, out var running))
            {
                if (running.TryJoin(listener))
                {
                    return running;
                }

                Remove(running);
            }

            var wake = new ActorWake(this, id, pool, listener);
            if (_wakes.TryAdd(id, wake))
            {
                _ = wake.RunAsync(CancellationToken.None);
                return wake;
            }
        }
    }

    /// <summary>The same for a restart that is due, without a listener: where no runner has a slot it ends as abandoned.</summary>
    /// <param name="id">The actor.</param>
    /// <param name="pool">Its pool.</param>
    /// <param name="unwanted">No further start is begun; one under way goes on.</param>
    public ActorWake Restart(ActorId id, PoolId pool, CancellationToken unwanted)
    {
        while (true)
        {
            if (_wakes.TryGetValue(id, out var running))
            {
                return running;
            }

            var wake = new ActorWake(this, id, pool, listener: null);
            if (_wakes.TryAdd(id, wake))
            {
                _ = wake.RunAsync(unwanted);
                return wake;
            }
        }
    }

    public void Remove(ActorWake wake) => _wakes.TryRemove(KeyValuePair.Create(wake.Id, wake));

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
    {
        if (_wakes.TryGetValue(id, out var wake))
        {
            wake.Changed(revision);
        }
    }

    void IChangeSink.CapacityChanged(PoolId pool) => Slots.CapacityChanged(pool);

    void IChangeSink.Gap()
    {
        foreach (var (_, wake) in _wakes)
        {
            wake.Poke();
        }
    }
}
