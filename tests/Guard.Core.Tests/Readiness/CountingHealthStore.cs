using Guard.Core.Pools;
using Guard.Core.Storage;

namespace Guard.Core.Tests.Readiness;

/// <summary>Passes everything on, counts reads, and fails reads when told to.</summary>
internal sealed class CountingHealthStore(IPoolHealthStore inner) : IPoolHealthStore
{
    private int _reads;

    public int Reads => Volatile.Read(ref _reads);

    public bool FailReads { get; set; }

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        return FailReads ? throw new StoreUnavailableException("down") : inner.ReadAsync(pool, cancellationToken);
    }

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => inner.ReportErrorAsync(pool, error, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => inner.ReportSuccessAsync(pool, cancellationToken);

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
        => inner.TryGrantProbeAsync(pool, interval, cancellationToken);

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => inner.EndProbeAsync(pool, probeId, success, cancellationToken);
}
