using Guard.Model.Stores;

namespace Guard.Core.Options;

/// <summary>
/// The options in force: the last snapshot that validated. Read through one volatile read; published by one writer (the reload watcher).
/// </summary>
internal sealed class LiveOptions(GuardOptions initial)
{
    private volatile GuardOptions _current = initial;

    public GuardOptions Current => _current;

    /// <summary>Raised after <see cref="Current"/> changed, on the writer's thread.</summary>
    public event Action? Changed;

    /// <summary>What the stores go by, of the options in force.</summary>
    public StoreRules StoreRules()
    {
        var options = Current;
        return new(
            new(options.PoolHealth.ErrorsToTrip, options.PoolHealth.SuccessesToClear, (long)options.PoolHealth.ErrorTtl.TotalMilliseconds),
            options.PoolHealth.MaxErrorBytes,
            new(options.Actors.RestartBaseDelay, options.Actors.RestartMaxDelay, options.Actors.RestartResetAfter),
            options.Runners.EligibleAfter,
            IPoolUpkeepStore.PendingFor(options.Readiness.RepairInterval));
    }

    public void Publish(GuardOptions options)
    {
        _current = options;
        Changed?.Invoke();
    }
}
