using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Admission;

/// <summary>What this process uses of the memory it may use, both in bytes.</summary>
internal readonly record struct MemoryUse(long Used, long Allowed)
{
    /// <summary>Resident memory, of what the runtime may use: three quarters of a container's limit, or the machine's memory.</summary>
    public static MemoryUse Now() => new(Environment.WorkingSet, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Whole percent, 0 where the limit is not known.</summary>
    public int Percent => Allowed <= 0 ? 0 : (int)Math.Min(1000, Used * 100 / Allowed);
}

/// <summary>
/// Whether memory is short: first no more requests are held (<c>Limits:ShedHoldsAt</c>), then no more are taken
/// (<c>Limits:ShedRequestsAt</c>). Read twice a second; reading the result costs nothing. Thread-safe.
/// </summary>
internal sealed partial class MemoryPressure(
    LiveOptions options, GuardMetrics metrics, Func<MemoryUse> read, TimeProvider time, ILogger<MemoryPressure> logger) : BackgroundService
{
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly GuardedLoop _loop = new("memory_pressure", metrics, time, logger);
    private volatile bool _shedsHolds;
    private volatile bool _shedsRequests;

    public bool ShedsHolds => _shedsHolds;

    public bool ShedsRequests => _shedsRequests;

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _loop.RunAsync(Period, Step, stoppingToken);

    private ValueTask Step(CancellationToken cancellationToken)
    {
        Look();
        return ValueTask.CompletedTask;
    }

    /// <summary>Compares what is used with the limits.</summary>
    internal void Look()
    {
        var limits = options.Current.Limits;
        var percent = read().Percent;
        var (holds, requests) = (IsOver(percent, limits.ShedHoldsAt), IsOver(percent, limits.ShedRequestsAt));
        if ((holds, requests) == (_shedsHolds, _shedsRequests))
        {
            return;
        }

        (_shedsHolds, _shedsRequests) = (holds, requests);
        metrics.SetDegraded("memory", holds || requests);
        if (holds || requests)
        {
            LogShort(logger, percent, holds, requests);
        }
        else
        {
            LogEnough(logger, percent);
        }
    }

    private static bool IsOver(int percent, int limit) => limit != 0 && percent >= limit;

    [LoggerMessage(EventId = 1, EventName = "MemoryShort", Level = LogLevel.Warning,
        Message = "Memory is short: {Percent} % of what this process may use. Refused until there is more: holds {Holds}, requests {Requests}. Is the container's limit too small for the load, or Readiness:MaxHeld too high?")]
    private static partial void LogShort(ILogger logger, int percent, bool holds, bool requests);

    [LoggerMessage(EventId = 2, EventName = "MemoryEnough", Level = LogLevel.Information,
        Message = "There is memory again: {Percent} % of what this process may use")]
    private static partial void LogEnough(ILogger logger, int percent);
}
