using System.Collections.Concurrent;
using Guard.Model.Ids;

namespace Guard.Core.Diagnostics;

/// <summary>
/// Bounds the number of pools that get labels of their own: the first <c>Metrics:MaxPools</c> seen do, later ones share
/// <c>other</c>/<c>other</c>. One child of type <typeparamref name="T"/> is made per pool and kept: a labelled lookup per event would
/// allocate. Thread-safe.
/// </summary>
internal sealed class PoolLabels<T>(int maxPools, Func<string, string, T> bind)
    where T : class
{
    private readonly ConcurrentDictionary<PoolId, T> _children = new();
    private T? _other;

    public T For(PoolId pool)
    {
        if (_children.TryGetValue(pool, out var child))
        {
            return child;
        }

        // A race may let a few more in than the limit; it bounds memory, it is no promise of an exact count.
        return _children.Count >= maxPools ? _other ??= bind("other", "other") : _children.GetOrAdd(pool, static (p, b) => b(p.Namespace, p.Name), bind);
    }
}
