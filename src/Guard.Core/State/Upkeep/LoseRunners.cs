using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>Tells of runners that the sweep declared lost.</summary>
internal sealed partial class LoseRunners(ILogger<LoseRunners> logger) : IPoolJob
{
    /// <inheritdoc/>
    public ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        foreach (var runner in look.Sweep.Lost)
        {
            LogRunnerLost(logger, runner.RunnerId, runner.Key, runner.Pool.Namespace, runner.Pool.Name, (runner.StopTs - runner.LastPingTs) / 1000.0);
        }

        // The sweep took a number of them at most.
        return new(look.Sweep.Lost.Count > 0 ? look.Period : TimeSpan.MaxValue);
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerLost", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} (key {Key}) of pool {Namespace}/{Pool} is lost: no heartbeat for {Seconds:0.0} s. It has probably crashed, hangs, or cannot reach the control endpoint. Its actors follow their crash policy.")]
    private static partial void LogRunnerLost(ILogger logger, string runnerId, string key, string @namespace, string pool, double seconds);
}
