using Guard.Core.Async;
using Guard.Model.Ids;

namespace Guard.Core.State.Actors;

/// <summary>
/// One wake of one actor by this Guard, from the first request that wants it to ready or failed. Its flags tell a hold that ends at its
/// deadline what was missing. Thread-safe.
/// </summary>
internal sealed class Wake(ActorId id, PoolId pool, bool waitsForCapacity, TimeProvider time)
{
    private volatile bool _hadSlot;
    private volatile bool _storeDown;
    private volatile bool _asked;
    private volatile bool _wantsCapacity;
    private volatile bool _hasTurn;

    public ActorId Id { get; } = id;

    public PoolId Pool { get; } = pool;

    /// <summary>Goes on until a runner has a slot, as requests wait for one; else ends as abandoned.</summary>
    public bool WaitsForCapacity { get; } = waitsForCapacity;

    public Pulse Pulse { get; } = new(time);

    /// <summary>Ends with the wake; never faults.</summary>
    public Task<WakeOutcome> Completion { get; set; } = null!;

    /// <summary>A runner has had a slot for it at least once.</summary>
    public bool HadSlot
    {
        get => _hadSlot;
        set => _hadSlot = value;
    }

    /// <summary>The last store call of the wake failed.</summary>
    public bool StoreDown
    {
        get => _storeDown;
        set
        {
            _storeDown = value;
            _asked = true;
        }
    }

    /// <summary>A store call of the wake has been answered, or has failed: before that it is not known whether there is a slot.</summary>
    public bool HasAsked => _asked;

    /// <summary>It waits for a slot of its pool.</summary>
    public bool WantsCapacity
    {
        get => _wantsCapacity;
        set => _wantsCapacity = value;
    }

    /// <summary>Of those that wait for a slot it is the one to ask now: see <see cref="SlotQueues"/>.</summary>
    public bool HasTurn
    {
        get => _hasTurn;
        set => _hasTurn = value;
    }

    /// <summary>Its place among those that wait for a slot, from the first refusal on; 0 before. Guarded by the lock of <see cref="SlotQueues"/>.</summary>
    public long Ticket { get; set; }
}
