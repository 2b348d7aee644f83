using System.Diagnostics.CodeAnalysis;

namespace Guard.Health;

/// <summary>Whether this Guard should get requests. Set by those who know, read by <c>/readyz</c>. Thread-safe.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Lives as long as the process; the source holds nothing")]
internal sealed class HealthState
{
    private readonly CancellationTokenSource _drained = new();
    private volatile bool _started;
    private volatile bool _storeSeen;
    private volatile bool _storeUp;
    private volatile bool _draining;
    private volatile bool _seedMissing;

    public bool IsDraining => _draining;

    /// <summary>Fires when <see cref="Drain"/> is called for the first time.</summary>
    public CancellationToken Draining => _drained.Token;

    public bool IsStarted => _started;

    /// <summary>Every hosted service runs and every listener listens.</summary>
    public void Started() => _started = true;

    /// <summary>The store answered, or did not. Once it has, its loss only degrades: what is cached is served on.</summary>
    public void StoreAnswered(bool up)
    {
        _storeUp = up;
        _storeSeen |= up;
    }

    /// <summary>Whether the seed file waits for the store: until it is loaded, what it names does not exist.</summary>
    public void SeedWaits(bool waits) => _seedMissing = waits;

    /// <summary>From now on and for good: no new requests, please.</summary>
    public void Drain()
    {
        _draining = true;
        _drained.Cancel();
    }

    public HealthReport Check()
    {
        List<string> reasons = [];
        Add(_draining, "draining");
        Add(!_started, "starting");
        Add(!_storeSeen, "store_not_seen");
        Add(_seedMissing, "seed_not_loaded");
        if (reasons.Count > 0)
        {
            return new HealthReport("not_ready", reasons);
        }

        Add(!_storeUp, "store_unavailable");
        return new HealthReport(reasons.Count > 0 ? "degraded" : "ready", reasons);

        void Add(bool applies, string reason)
        {
            if (applies)
            {
                reasons.Add(reason);
            }
        }
    }
}

/// <param name="Status"><c>ready</c>, <c>degraded</c> (serves, with less) or <c>not_ready</c>.</param>
/// <param name="Reasons">Why it is not plainly ready: <c>draining</c>, <c>starting</c>, <c>store_not_seen</c>, <c>seed_not_loaded</c>, <c>store_unavailable</c>.</param>
internal sealed record HealthReport(string Status, IReadOnlyList<string> Reasons)
{
    public bool IsReady => Status != "not_ready";
}
