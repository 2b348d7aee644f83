using Guard.Core.Diagnostics;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Async;

/// <summary>
/// Runs one step again and again until it is stopped. Whatever the step throws ends neither the loop nor the process: the loop goes on after
/// a pause, the metric <c>guard_loop_failing</c> says so meanwhile, and the log says it once when the step begins to fail and once when it
/// works again. One call of <see cref="RunAsync"/> at a time.
/// </summary>
/// <param name="name">The loop's label in metrics and its name in logs.</param>
/// <param name="metrics">Told whether it fails.</param>
/// <param name="time">The clock of periods and pauses.</param>
/// <param name="logger">The logger of whose loop it is.</param>
/// <param name="meaning">What it means for Guard while the step fails, as a sentence. Null for a loop of which an operator need not hear when
/// the store is away, which is told by others.</param>
internal sealed partial class GuardedLoop(string name, GuardMetrics metrics, TimeProvider time, ILogger logger, string? meaning = null)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private int _failures;
    private LogLevel _told;

    /// <summary>Runs the step, the first time where this is called. Completes when <paramref name="stopping"/> fires; never throws.</summary>
    /// <param name="period">From the beginning of one step to that of the next; a step that takes longer is followed by the next at once.
    /// Zero for a step that waits by itself: after a failure it is called again after 0.1 s, doubled with each failure in a row up to 5 s.</param>
    /// <param name="step">The work; cancellation once the loop is stopped is no failure.</param>
    /// <param name="stopping">Ends the loop.</param>
    public async Task RunAsync(TimeSpan period, Func<CancellationToken, ValueTask> step, CancellationToken stopping)
    {
        metrics.LoopFailing(name, false);
        while (!stopping.IsCancellationRequested)
        {
            var began = time.GetTimestamp();
            try
            {
                await step(stopping);
                Worked();
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Failed(e);
            }

            var pause = period > TimeSpan.Zero ? period - time.GetElapsedTime(began) : _failures > 0 ? Backoff() : TimeSpan.Zero;
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
        }
    }

    private TimeSpan Backoff()
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(_failures - 1, 10));
        return pause < LongestPause ? pause : LongestPause;
    }

    private void Worked()
    {
        if (_failures == 0)
        {
            return;
        }

        _failures = 0;
        metrics.LoopFailing(name, false);
        LogWorks(_told == LogLevel.Debug ? LogLevel.Debug : LogLevel.Information, name);
    }

    private void Failed(Exception e)
    {
        if (_failures++ > 0)
        {
            return;
        }

        metrics.LoopFailing(name, true);
        switch (e)
        {
            case StoreException { Kind: StoreFailure.Away }:
                LogStoreFailed(_told = meaning is null ? LogLevel.Debug : LogLevel.Warning, name, e.Message, meaning);
                break;
            case StoreException:
                LogStoreFailed(_told = LogLevel.Warning, name, e.Message, meaning);
                break;
            default:
                _told = LogLevel.Error;
                LogBroke(e, name, meaning);
                break;
        }
    }

    [LoggerMessage(EventId = 101, EventName = "LoopFails", Message = "Guard's loop {Loop} fails, and is tried again: {Reason}. {Meaning}")]
    private partial void LogStoreFailed(LogLevel level, string loop, string reason, string? meaning);

    [LoggerMessage(EventId = 102, EventName = "LoopBroke", Level = LogLevel.Error,
        Message = "Guard's loop {Loop} fails, and is tried again; this is a bug in Guard. {Meaning}")]
    private partial void LogBroke(Exception exception, string loop, string? meaning);

    [LoggerMessage(EventId = 103, EventName = "LoopWorks", Message = "Guard's loop {Loop} works again")]
    private partial void LogWorks(LogLevel level, string loop);
}
