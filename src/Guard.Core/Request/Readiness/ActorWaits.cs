using System.Collections.Concurrent;
using Guard.Core.Transport;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Request.Readiness;

/// <summary>The waits of this Guard, one per actor somebody waits for. Thread-safe.</summary>
internal sealed class ActorWaits(WaitServices services)
{
    private readonly ConcurrentDictionary<ActorId, ActorWait> _waits = new();

    public WaitServices Services => services;

    /// <summary>Waits open now; for tests.</summary>
    public int Count => _waits.Count;

    /// <summary>Whether the actor is woken as its pool's probe by this Guard.</summary>
    public bool IsProbing(ActorId id) => _waits.TryGetValue(id, out var wait) && wait.IsProbe;

    /// <summary>Whether requests wait for the actor: one that comes wakes nobody more.</summary>
    public bool IsOpen(ActorId id) => _waits.ContainsKey(id);

    /// <summary>Requests that wait for the actor now; for tests.</summary>
    public int CountOf(ActorId id) => _waits.TryGetValue(id, out var wait) ? wait.Count : 0;

    /// <summary>Puts the request into the actor's wait, which is begun where there is none.</summary>
    public ActorWait Join(ActorRoute route, Waiter waiter, PoolHealthSnapshot health, ProbeGrant? probe)
    {
        while (true)
        {
            if (_waits.TryGetValue(route.Id, out var open) && open.TryJoin(waiter, probe))
            {
                return open;
            }

            var wait = new ActorWait(this, route, health);
            if (_waits.TryAdd(route.Id, wait))
            {
                if (wait.TryJoin(waiter, probe))
                {
                    wait.Begin();
                    return wait;
                }
            }
        }
    }

    public void Remove(ActorId id, ActorWait wait) => _waits.TryRemove(KeyValuePair.Create(id, wait));
}
