using System.Collections.Concurrent;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>Passes everything on, counts reads and reports, and fails reads when told to.</summary>
internal sealed class CountingHealthStore(MemoryPoolHealthStore inner) : IPoolHealthStore
{
    private readonly ConcurrentQueue<PoolError?> _reported = new();
    private int _reads;
    private int _probesAsked;

    public int ProbesAsked => Volatile.Read(ref _probesAsked);

    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Every report in order; null is a success.</summary>
    public IReadOnlyCollection<PoolError?> Reported => _reported;

    public bool FailReads { get; set; }

    /// <summary>Thrown by the next ask for a probe, once.</summary>
    public Exception? NextProbeFault { get; set; }

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        return FailReads ? throw new StoreException(StoreFailure.Away, "down") : inner.ReadAsync(pool, cancellationToken);
    }

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => Reporting(error, inner.ReportErrorAsync(pool, error, cancellationToken));

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => Reporting(null, inner.ReportSuccessAsync(pool, cancellationToken));

    public IReadOnlyList<PoolHealthSnapshot>? CountSuccess(PoolId pool)
    {
        var news = inner.CountSuccess(pool);
        _reported.Enqueue(null);
        return news;
    }

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _probesAsked);
        var fault = NextProbeFault;
        NextProbeFault = null;
        return fault is null ? inner.TryGrantProbeAsync(pool, interval, cancellationToken) : throw fault;
    }

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken) => inner.OpenProbeAsync(pool, cancellationToken);

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => inner.EndProbeAsync(pool, probeId, success, cancellationToken);

    /// <summary>Noted once it is done: whoever sees it here finds it in the store.</summary>
    private async ValueTask<PoolHealthSnapshot> Reporting(PoolError? error, ValueTask<PoolHealthSnapshot> report)
    {
        var health = await report;
        _reported.Enqueue(error);
        return health;
    }
}
