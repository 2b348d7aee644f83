using Guard.Core.Diagnostics;
using Guard.Model.Stores;

namespace Guard.Health;

/// <summary>Asks the store once a second whether it is there: for <c>/readyz</c>, <c>guard_store_up</c> and <c>guard_degraded</c>.</summary>
internal sealed partial class StoreProbe(
    IPoolStore store, HealthState health, GuardMetrics metrics, TimeProvider time, ILogger<StoreProbe> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private bool? _up;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            Report(await AskAsync(stoppingToken));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<bool> AskAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Interval, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await store.NamespaceExistsAsync("default", both.Token).AsTask().WaitAsync(both.Token);
            return true;
        }
        catch (Exception e) when (e is StoreUnavailableException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private void Report(bool up)
    {
        health.StoreAnswered(up);
        metrics.StoreUp.Set(up ? 1 : 0);
        metrics.SetDegraded("store_unavailable", !up);
        if (_up != up)
        {
            _up = up;
            Log(up);
        }
    }

    private void Log(bool up)
    {
        if (up)
        {
            LogUp();
        }
        else
        {
            LogDown();
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The store answers", EventName = "StoreUp")]
    private partial void LogUp();

    [LoggerMessage(2, LogLevel.Warning, "The store does not answer; cached routes are served on, others wait. The likely cause: it is down, slow, or not reachable from here", EventName = "StoreDown")]
    private partial void LogDown();
}
