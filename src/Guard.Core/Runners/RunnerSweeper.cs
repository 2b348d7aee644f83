using Guard.Core.Options;
using Guard.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Runners;

/// <summary>
/// Declares runners lost that were not heard of for <c>Runners:LostAfter</c>. Every Guard runs one; a runner is lost once, whoever finds
/// it. Looks every fifth of that time, 0.2 s at least and 2 s at most, so that a reloaded value takes effect in time.
/// </summary>
/// <remarks>
/// Silence counts against a runner only while it could have been heard. So nobody is lost before <c>LostAfter</c> of unbroken contact
/// with the store has passed; contact begins with the first look that succeeds and is broken by one that fails, or by this process having
/// been stopped for a while (a suspended machine hears no heartbeats).
/// </remarks>
internal sealed partial class RunnerSweeper(IRunnerStore store, LiveOptions options, TimeProvider time, ILogger<RunnerSweeper> logger)
    : BackgroundService
{
    private static readonly TimeSpan MinPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(2);

    private long? _contactSince;
    private bool _failing;

    /// <summary>The time between two looks.</summary>
    public static TimeSpan Period(TimeSpan lostAfter) => TimeSpan.FromTicks(Math.Clamp(lostAfter.Ticks / 5, MinPeriod.Ticks, MaxPeriod.Ticks));

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Looks until stopped, where it is called: the host starts it on a thread of its own, a simulation on its own scheduler.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var lastLook = time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            var lostAfter = options.Current.Runners.LostAfter;
            var now = time.GetTimestamp();
            if (time.GetElapsedTime(lastLook, now) > Stall(lostAfter))
            {
                _contactSince = null;
            }

            lastLook = now;
            try
            {
                await LookAsync(lostAfter, stoppingToken);
                await Task.Delay(Period(lostAfter), time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>A gap between two looks that is too long for heartbeats to have come through.</summary>
    private static TimeSpan Stall(TimeSpan lostAfter)
    {
        var (half, periods) = (lostAfter / 2, Period(lostAfter) * 3);
        return half > periods ? half : periods;
    }

    private async Task LookAsync(TimeSpan lostAfter, CancellationToken cancellationToken)
    {
        try
        {
            var began = time.GetTimestamp();
            var mayLose = _contactSince is { } since && time.GetElapsedTime(since, began) >= lostAfter;
            var lost = await store.SweepLostAsync(mayLose ? lostAfter : TimeSpan.MaxValue, cancellationToken);
            _contactSince ??= began;
            if (_failing)
            {
                _failing = false;
                LogSweepResumed(logger, lostAfter);
            }

            foreach (var runner in lost)
            {
                LogRunnerLost(logger, runner.RunnerId, runner.Key, runner.Pool.Namespace, runner.Pool.Name, (runner.StopTs - runner.LastPingTs) / 1000.0);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Also for a failure nobody foresaw: a sweep that does not run must not take the gateway down with it.
            _contactSince = null;
            if (!_failing)
            {
                _failing = true;
                LogSweepFailed(logger, e);
            }
        }
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerLost", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} (key {Key}) of pool {Namespace}/{Pool} is lost: no heartbeat for {Seconds:0.0} s. It has probably crashed, hangs, or cannot reach the control endpoint. Its actors follow their crash policy.")]
    private static partial void LogRunnerLost(ILogger logger, string runnerId, string key, string @namespace, string pool, double seconds);

    [LoggerMessage(EventId = 2, EventName = "RunnerSweepFailed", Level = LogLevel.Warning,
        Message = "Runners cannot be checked: the store does not answer. No runner is declared lost until it has answered for Runners:LostAfter.")]
    private static partial void LogSweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 3, EventName = "RunnerSweepResumed", Level = LogLevel.Information,
        Message = "The store answers again: silent runners are declared lost from {LostAfter} on.")]
    private static partial void LogSweepResumed(ILogger logger, TimeSpan lostAfter);
}
