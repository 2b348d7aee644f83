using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Simulation.Plants;

/// <summary>
/// A Guard without the check of versions. Its tracker takes an older push only as a hint to read; here that read answers with the very push,
/// so that it is applied after all.
/// </summary>
internal sealed class VersionNotChecked : IPoolHealthStore, IChangeSink
{
    private readonly IPoolHealthStore _inner;
    private PoolHealthSnapshot? _newest;
    private PoolHealthSnapshot? _pushed;

    /// <param name="feed">The Guard's; subscribed to before its tracker.</param>
    /// <param name="inner">The Guard's health store.</param>
    public VersionNotChecked(IChangeFeed feed, IPoolHealthStore inner)
    {
        _inner = inner;
        feed.Subscribe(this);
    }

    void IChangeSink.PoolHealthChanged(PoolHealthSnapshot health)
    {
        if (_newest is { } newest && newest.Epoch == health.Epoch && health.Seq < newest.Seq)
        {
            _pushed = health;
        }
        else
        {
            _newest = health;
        }
    }

    void IChangeSink.Gap()
    {
    }

    public async ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var health = await _inner.ReadAsync(pool, cancellationToken);
        (var pushed, _pushed) = (_pushed, null);
        return pushed ?? health;
    }

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => _inner.ReportErrorAsync(pool, error, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => _inner.ReportSuccessAsync(pool, cancellationToken);

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
        => _inner.TryGrantProbeAsync(pool, interval, cancellationToken);

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken) => _inner.OpenProbeAsync(pool, cancellationToken);

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => _inner.EndProbeAsync(pool, probeId, success, cancellationToken);
}
