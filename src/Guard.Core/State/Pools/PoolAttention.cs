using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Pools;

/// <summary>Which pools want a look sooner than one is due: at once where capacity is wanted, a runner drains, their runner-config has changed or
/// a connection has come or gone; soon where anything else in them has changed. Anyone may ask; one loop, that of this Guard's keepers, takes
/// what was asked for. Thread-safe.</summary>
internal sealed class PoolAttention(TimeProvider time) : IChangeSink
{
    private readonly ConcurrentDictionary<PoolId, bool> _asked = new();
    private readonly ConcurrentDictionary<PoolId, bool> _changed = new();
    private readonly Pulse _pulse = new(time);
    private int _gaps;

    public void LookSoon(PoolId pool)
    {
        _asked[pool] = true;
        _pulse.Set();
    }

    /// <summary>The pools asked for since the last call.</summary>
    public IReadOnlyList<PoolId> Take() => Take(_asked);

    /// <summary>The pools that changed since the last call, which nobody is woken for.</summary>
    public IReadOnlyList<PoolId> TakeChanged() => Take(_changed);

    /// <summary>True when changes may have been missed since the last call.</summary>
    public bool TakeGap() => Interlocked.Exchange(ref _gaps, 0) > 0;

    /// <summary>Ends the wait of the loop, if it waits.</summary>
    public void Wake() => _pulse.Set();

    /// <summary>Returns when somebody asks, or after the timeout, or the cancellation. One caller at a time.</summary>
    public ValueTask WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => _pulse.WaitAsync(timeout, cancellationToken);

    void IChangeSink.CapacityWanted(PoolId pool) => LookSoon(pool);

    void IChangeSink.PoolConfigChanged(PoolId pool) => LookSoon(pool);

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision) => _changed.TryAdd(pool, true);

    void IChangeSink.CapacityChanged(PoolId pool) => _changed.TryAdd(pool, true);

    void IChangeSink.Gap() => Interlocked.Increment(ref _gaps);

    private static List<PoolId> Take(ConcurrentDictionary<PoolId, bool> pools)
    {
        if (pools.IsEmpty)
        {
            return [];
        }

        var taken = new List<PoolId>();
        foreach (var (pool, _) in pools)
        {
            if (pools.TryRemove(pool, out _))
            {
                taken.Add(pool);
            }
        }

        return taken;
    }
}
