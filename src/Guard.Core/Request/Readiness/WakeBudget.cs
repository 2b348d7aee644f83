using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Model.Ids;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// How many actors of a pool this Guard may begin to wake for requests (<c>Limits:WakesPerPool</c> per <c>Limits:WakeWindow</c>, followed as
/// they are reloaded): a client that names one sleeping actor after another costs a pool no more than that. Thread-safe.
/// </summary>
internal sealed class WakeBudget(LiveOptions options)
{
    private readonly ConcurrentDictionary<PoolId, Bucket> _buckets = new();

    /// <summary>Takes one wake from the pool's budget; false when it is spent.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="retryAfter">When there is one again; zero when one was taken.</param>
    public bool TryTake(PoolId pool, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        var limits = options.Current.Limits;
        if (limits.WakesPerPool == 0)
        {
            return true;
        }

        while (true)
        {
            var terms = (limits.WakesPerPool, limits.WakeWindow);
            var bucket = _buckets.GetOrAdd(pool, static (_, t) => new(t), terms);
            if (bucket.Terms != terms)
            {
                _buckets.TryUpdate(pool, new(terms), bucket);
                continue;
            }

            bucket.Limiter.TryReplenish();
            using var lease = bucket.Limiter.AttemptAcquire();
            if (!lease.IsAcquired && lease.TryGetMetadata(MetadataName.RetryAfter, out var after))
            {
                retryAfter = after;
            }

            return lease.IsAcquired;
        }
    }

    private sealed class Bucket((int Wakes, TimeSpan Window) terms)
    {
        public (int Wakes, TimeSpan Window) Terms { get; } = terms;

        public TokenBucketRateLimiter Limiter { get; } = ClientUse.Bucket(terms.Wakes, terms.Window);
    }
}
