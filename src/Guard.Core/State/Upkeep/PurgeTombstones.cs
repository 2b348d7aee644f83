using Guard.Model.Stores;

namespace Guard.Core.State.Upkeep;

/// <summary>Forgets tombstones, a batch a look: what else the pool needs comes between two batches, and other pools do not wait.</summary>
internal sealed class PurgeTombstones(IPoolUpkeepStore store) : IPoolJob
{
    /// <summary>Between two batches of one pool.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
        => look.Sweep.HasTombstones && await store.PurgeAsync(look.Pool, look.Lease, cancellationToken) ? Pause : TimeSpan.MaxValue;
}
