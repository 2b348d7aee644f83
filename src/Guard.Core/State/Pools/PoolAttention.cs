using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Pools;

/// <summary>Which pools want a look at once, before the next one is due: capacity is wanted, their runner-config has changed, a connection
/// has come or gone. Anyone may ask; one sweeper looks. Thread-safe.</summary>
internal sealed class PoolAttention(TimeProvider time) : IChangeSink
{
    private readonly ConcurrentDictionary<PoolId, bool> _asked = new();
    private readonly Pulse _pulse = new(time);

    public void LookSoon(PoolId pool)
    {
        _asked[pool] = true;
        _pulse.Set();
    }

    /// <summary>The pools asked for since the last call.</summary>
    public IReadOnlyList<PoolId> Take()
    {
        if (_asked.IsEmpty)
        {
            return [];
        }

        var taken = new List<PoolId>();
        foreach (var (pool, _) in _asked)
        {
            if (_asked.TryRemove(pool, out _))
            {
                taken.Add(pool);
            }
        }

        return taken;
    }

    /// <summary>Ends the wait of the sweeper, if it waits.</summary>
    public void Wake() => _pulse.Set();

    /// <summary>Returns when somebody asks, or after the timeout, or the cancellation. One caller at a time.</summary>
    public ValueTask WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => _pulse.WaitAsync(timeout, cancellationToken);

    void IChangeSink.CapacityWanted(PoolId pool) => LookSoon(pool);

    void IChangeSink.PoolConfigChanged(PoolId pool) => LookSoon(pool);

    // What was missed is found by the next look that is due.
    void IChangeSink.Gap()
    {
    }
}
