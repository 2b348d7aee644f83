using System.Collections.Concurrent;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.State.Pools;

/// <summary>
/// What requests may be told of a pool's connects: how the last one failed, and when the next is tried. Heard from the Guard that manages the
/// pool; where an event was lost, nothing is known. Thread-safe.
/// </summary>
internal sealed class ConnectOutlook(TimeProvider time) : IChangeSink
{
    /// <summary>As the backoff: a failure that nothing has followed for so long says nothing about now.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<PoolId, Failure> _failures = new();

    /// <summary>Until the next connect is tried; null when none waits, or nothing is known.</summary>
    public TimeSpan? NextConnect(PoolId pool)
        => _failures.TryGetValue(pool, out var failure) && failure.Wait - time.GetElapsedTime(failure.At) is var left && left > TimeSpan.Zero ? left : null;

    /// <summary>The kind of the last failure, without its words; null when the last connect succeeded, or nothing is known.</summary>
    public PoolError? LastError(PoolId pool)
        => _failures.TryGetValue(pool, out var failure) && time.GetElapsedTime(failure.At) < ForgetAfter ? failure.Error : null;

    /// <inheritdoc/>
    public void ConnectEnded(PoolId pool, PoolErrorKind? failure, TimeSpan wait)
    {
        if (failure is { } kind)
        {
            _failures[pool] = new(new PoolError(kind), wait, time.GetTimestamp());
        }
        else
        {
            _failures.TryRemove(pool, out _);
        }
    }

    // Another endpoint, or none.
    void IChangeSink.PoolConfigChanged(PoolId pool) => _failures.TryRemove(pool, out _);

    void IChangeSink.Gap()
    {
    }

    private sealed record Failure(PoolError Error, TimeSpan Wait, long At);
}
