using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Async;

/// <summary>A loop goes on whatever its step throws, and says so once.</summary>
public sealed class GuardedLoopTests : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly GuardMetrics _metrics = new(new LiveOptions(new GuardOptions()));
    private readonly TestLog<GuardedLoopTests> _log = new();
    private readonly CancellationTokenSource _stop = new();
    private int _steps;

    public void Dispose() => _stop.Dispose();

    [Fact]
    public async Task Run_StepThrowsWhatever_GoesOnAndSaysSoOnceEachWay()
    {
        Exception?[] faults =
        [
            null, new StoreException(StoreFailure.Rejected, "WRONGTYPE"), new InvalidOperationException("bug"), new OperationCanceledException(), null, null,
        ];
        var run = RunAsync(Period, faults);

        for (var i = 1; i < faults.Length; i++)
        {
            Assert.Equal(i, _steps);
            Assert.Equal(faults[i - 1] is null ? 0 : 1, await FailingAsync());
            _time.Advance(Period);
        }

        await _stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(
            ["Guard's loop test fails, and is tried again: WRONGTYPE. It means something", "Guard's loop test works again"], _log.Lines);
    }

    [Fact]
    public async Task Run_StepThatWaitsByItselfFails_IsCalledAgainLaterAndLater()
    {
        var run = RunAsync(TimeSpan.Zero, [.. Enumerable.Repeat(new InvalidOperationException("bug"), 100)]);

        foreach (var (milliseconds, steps) in new[] { (99, 1), (1, 2), (199, 2), (1, 3), (399, 3), (1, 4), (800, 5), (1600, 6), (3200, 7), (4999, 7), (1, 8), (5000, 9) })
        {
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            Assert.Equal(steps, _steps);
        }

        await _stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Run_StoppedWhileItsStepWaits_Ends()
    {
        var run = NewLoop().RunAsync(TimeSpan.Zero, async stopping => await Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping), _stop.Token);

        await _stop.CancelAsync();

        await run.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Empty(_log.Lines);
    }

    private GuardedLoop NewLoop() => new("test", _metrics, _time, _log, "It means something");

    private Task RunAsync(TimeSpan period, Exception?[] faults)
        => NewLoop().RunAsync(period, _ => faults[Math.Min(_steps++, faults.Length - 1)] is { } fault ? throw fault : default, _stop.Token);

    private async Task<int> FailingAsync()
    {
        using var text = new MemoryStream();
        await _metrics.Registry.CollectAndExportAsTextAsync(text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray()).Contains("guard_loop_failing{loop=\"test\"} 1", StringComparison.Ordinal) ? 1 : 0;
    }
}
