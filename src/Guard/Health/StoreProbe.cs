using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Model.Stores;

namespace Guard.Health;

/// <summary>Asks the store once a second whether it is there: for <c>/readyz</c>, <c>guard_store_up</c> and <c>guard_degraded</c>.</summary>
internal sealed partial class StoreProbe(
    IPoolStore store, HealthState health, GuardMetrics metrics, TimeProvider time, ILogger<StoreProbe> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly GuardedLoop _loop = new("store_probe", metrics, time, logger);
    private bool? _up;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
        => _loop.RunAsync(Interval, async token => Report(await AskAsync(token)), stoppingToken);

    /// <summary>Null when the store answers; else why it cannot be used.</summary>
    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Interval, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await store.NamespaceExistsAsync("default", both.Token).AsTask().WaitAsync(both.Token);
            return null;
        }
        catch (StoreException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "it took longer than a second";
        }
    }

    private void Report(string? fault)
    {
        var up = fault is null;
        health.StoreAnswered(up);
        metrics.StoreUp.Set(up ? 1 : 0);
        metrics.SetDegraded("store_unavailable", !up);
        if (_up != up)
        {
            _up = up;
            Log(fault);
        }
    }

    private void Log(string? fault)
    {
        if (fault is null)
        {
            LogUp();
        }
        else
        {
            LogDown(fault);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The store answers", EventName = "StoreUp")]
    private partial void LogUp();

    [LoggerMessage(2, LogLevel.Warning, "The store does not answer as it should ({Reason}); cached routes are served on, others wait. The likely cause: it is down, slow, or not reachable from here", EventName = "StoreDown")]
    private partial void LogDown(string reason);
}
