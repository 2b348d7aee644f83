using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Model.Stores;

/// <summary>The health of pools and the right to probe red ones. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IPoolHealthStore
{
    /// <summary>The health now, expiry applied; <see cref="PoolHealthSnapshot.Unknown"/> when nobody has reported.</summary>
    ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>The same for several pools, in the order given: one round trip where there is one. As written here for a store without.</summary>
    async ValueTask<IReadOnlyList<PoolHealthSnapshot>> ReadManyAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        var healths = new PoolHealthSnapshot[pools.Count];
        for (var i = 0; i < healths.Length; i++)
        {
            healths[i] = await ReadAsync(pools[i], cancellationToken);
        }

        return healths;
    }

    ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken);

    ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>
    /// Grants one probe of a red pool per <paramref name="interval"/>, across all Guards of the store; sooner when the last probe has
    /// ended and the last thing heard since is a success.
    /// </summary>
    ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken);

    /// <summary>The probe that was granted last, while it has not ended and its pool is red; 0 when there is none.</summary>
    ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>Says how a granted probe ended. Without success the interval counts again from its grant. An older probe changes nothing.</summary>
    ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken);
}

/// <param name="ProbeId">Not 0 when granted; give it back to <see cref="IPoolHealthStore.EndProbeAsync"/>.</param>
/// <param name="Health">The health at the decision. A pool that is green needs no probe: then nothing is granted.</param>
/// <param name="RetryAfter">When not granted because of the interval: how long until the next probe may be.</param>
internal readonly record struct ProbeGrant(long ProbeId, PoolHealthSnapshot Health, TimeSpan RetryAfter)
{
    public bool IsGranted => ProbeId != 0;
}
