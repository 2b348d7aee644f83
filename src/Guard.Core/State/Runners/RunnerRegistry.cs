using Guard.Core.Diagnostics;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Runners;

/// <summary>Where every runner registers, whoever it is: over the control API, from the seed, as a sidecar's app. Thread-safe.</summary>
internal sealed partial class RunnerRegistry(IRunnerStore store, SuspectRunners suspects, GuardMetrics metrics, ILogger<RunnerRegistry> logger)
{
    /// <summary>Registers a runner, or renews it; null when its pool has no runner-config. A version that is higher than others' drains
    /// them (<see cref="VersionDrain"/>).</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public async ValueTask<RunnerRecord?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
    {
        if (await store.RegisterAsync(runner, cancellationToken) is not { } registration)
        {
            return null;
        }

        // It has just spoken: whoever could not reach it before may try again at once.
        suspects.Clear(registration.Runner.RunnerId);
        DrainedByVersion(registration.Runner.Pool, registration.DrainedByVersion);
        return registration.Runner;
    }

    /// <summary>Counts and tells runners that drain by version since now.</summary>
    public void DrainedByVersion(PoolId pool, IReadOnlyList<RunnerRecord> drained)
    {
        if (drained.Count == 0)
        {
            return;
        }

        metrics.RunnersDrainedByVersion(pool, drained.Count);
        foreach (var runner in drained)
        {
            LogDrained(logger, runner.RunnerId, runner.Key, pool.ToString(), runner.Version);
        }
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerDrainedByVersion", Level = LogLevel.Information,
        Message = "Runner {RunnerId} (key {Key}) of pool {Pool} drains: its version {Version} is no longer the newest. It gets no new actors; those it has are told to stop and wake on the newest version.")]
    private static partial void LogDrained(ILogger logger, string runnerId, string key, string pool, int version);
}
