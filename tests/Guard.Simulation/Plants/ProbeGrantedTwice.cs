using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Simulation.Plants;

/// <inheritdoc cref="PlantedBug.ProbeGrantedTwice"/>
internal sealed class ProbeGrantedTwice(IPoolHealthStore inner) : IPoolHealthStore
{
    private long _extra = 1L << 40;

    public async ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
    {
        var grant = await inner.TryGrantProbeAsync(pool, interval, cancellationToken);
        return grant is { IsGranted: false, Health.IsRed: true } ? grant with { ProbeId = ++_extra, RetryAfter = TimeSpan.Zero } : grant;
    }

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken) => inner.ReadAsync(pool, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => inner.ReportErrorAsync(pool, error, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => inner.ReportSuccessAsync(pool, cancellationToken);

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken) => inner.OpenProbeAsync(pool, cancellationToken);

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => inner.EndProbeAsync(pool, probeId, success, cancellationToken);
}
