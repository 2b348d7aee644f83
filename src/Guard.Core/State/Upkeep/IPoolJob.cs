using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Upkeep;

/// <summary>One thing a keeper does for its pool, from what a sweep found. Called for one look of a pool at a time, for different pools side by
/// side.</summary>
internal interface IPoolJob
{
    /// <summary>Acts on a sweep; how soon the pool needs the next one because of it, <see cref="TimeSpan.MaxValue"/> where nothing is due that
    /// the feed does not tell.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken);

    /// <summary>This Guard does not keep the pool, or not any more.</summary>
    void Lost(PoolId pool)
    {
    }
}

/// <param name="Pool">The pool.</param>
/// <param name="Lease">By which it is looked at.</param>
/// <param name="Sweep">What was found.</param>
/// <param name="Pace">Of the evictions of this pool.</param>
/// <param name="Period">Between two looks where something is under way.</param>
internal sealed record PoolLook(PoolId Pool, UpkeepLease Lease, PoolSweep Sweep, EvictionPace Pace, TimeSpan Period);
