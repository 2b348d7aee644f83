using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;

namespace Guard.Simulation.Model;

/// <summary>Pool health that can be forgotten, as by an eviction or FLUSHALL: what is reported after that begins a new epoch.</summary>
internal sealed class HealthModel : IPoolHealthStore
{
    /// <summary>Keeps the probes of different lives apart, as random ids would.</summary>
    private const long ProbesPerLife = 1_000_000;

    private readonly Func<MemoryPoolHealthStore> _make;
    private MemoryPoolHealthStore _store;
    private long _firstProbe;

    public HealthModel(TimeProvider time, LiveOptions options, MemoryChangeFeed feed, Random random)
    {
        _make = () => new(time, options.StoreRules, feed.PublishPoolHealth, random);
        _store = _make();
    }

    public void Forget()
    {
        _store = _make();
        _firstProbe += ProbesPerLife;
    }

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken) => _store.ReadAsync(pool, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => _store.ReportErrorAsync(pool, error, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => _store.ReportSuccessAsync(pool, cancellationToken);

    public IReadOnlyList<PoolHealthSnapshot>? CountSuccess(PoolId pool) => _store.CountSuccess(pool);

    public async ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
    {
        var grant = await _store.TryGrantProbeAsync(pool, interval, cancellationToken);
        return grant.IsGranted ? grant with { ProbeId = _firstProbe + grant.ProbeId } : grant;
    }

    public async ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken)
        => await _store.OpenProbeAsync(pool, cancellationToken) is var open && open == 0 ? 0 : open + _firstProbe;

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => _store.EndProbeAsync(pool, probeId > _firstProbe ? probeId - _firstProbe : 0, success, cancellationToken);
}
