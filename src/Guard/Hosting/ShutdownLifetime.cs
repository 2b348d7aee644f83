using System.Runtime.InteropServices;
using Guard.Configuration;
using Guard.Core.Options;
using Guard.Health;
using Microsoft.Extensions.Options;

namespace Guard.Hosting;

/// <summary>
/// Ends the process in steps (docs/shutdown.md). SIGTERM: <c>/readyz</c> says no at once, requests are accepted for
/// <c>Shutdown:Delay</c> more; then gateway listeners close and everything under way gets <c>Shutdown:DrainTimeout</c> to end, while the
/// control API still serves runners; then the host stops. SIGINT and SIGQUIT skip the delay; a second signal ends it now. Thread-safe.
/// </summary>
internal sealed partial class ShutdownLifetime(
    IHostApplicationLifetime lifetime,
    HealthState health,
    GuardListeners listeners,
    IEnumerable<IDrainedAtShutdown> parts,
    IOptions<HostOptions> host,
    LiveOptions options,
    TimeProvider time,
    ILogger<ShutdownLifetime> logger) : IHostLifetime, IDisposable
{
    /// <summary>What the host gets at least to stop its services once everything has drained.</summary>
    private static readonly TimeSpan ShortestStop = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly List<IDisposable> _held = [];
    private readonly CancellationTokenSource _now = new();
    private bool _isDraining;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _held.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => OnSignal(signal, withDelay: true)));
            _held.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => OnSignal(signal, withDelay: false)));
            _held.Add(PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => OnSignal(signal, withDelay: false)));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts the end of the process, as a signal does. Called again: cuts what is left and ends it now.</summary>
    public void Begin(bool withDelay)
    {
        var delay = options.Current.Shutdown.Delay;
        var isFirst = !health.IsDraining;
        health.Drain();
        if (!isFirst)
        {
            LogNow();
            _now.Cancel();
        }
        else if (withDelay && delay > TimeSpan.Zero)
        {
            LogDelay(delay);
            var timer = time.CreateTimer(static state => ((ShutdownLifetime)state!).StartDrain(), this, delay, Timeout.InfiniteTimeSpan);
            lock (_lock)
            {
                _held.Add(timer);
            }

            return;
        }

        StartDrain();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _held.ForEach(held => held.Dispose());
            _held.Clear();
        }

        _now.Dispose();
    }

    private void StartDrain()
    {
        lock (_lock)
        {
            if (_isDraining)
            {
                return;
            }

            _isDraining = true;
        }

        _ = DrainAsync();
    }

    private async Task DrainAsync()
    {
        var window = options.Current.Shutdown.DrainTimeout;
        var since = time.GetTimestamp();
        LogDraining(window);
        try
        {
            using var timeout = new CancellationTokenSource(window, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _now.Token);
            listeners.StopAccepting(EndpointRole.Gateway);
            await Task.WhenAll(parts.Select(part => part.DrainAsync(window, limit.Token)));
            LogDrained(time.GetElapsedTime(since).TotalSeconds);
        }
        catch (Exception e)
        {
            // The process ends all the same.
            LogBroken(e);
        }

        var left = _now.IsCancellationRequested ? TimeSpan.Zero : window - time.GetElapsedTime(since);
        host.Value.ShutdownTimeout = left > ShortestStop ? left : ShortestStop;
        lifetime.StopApplication();
    }

    private void OnSignal(PosixSignalContext signal, bool withDelay)
    {
        // Without this the runtime ends the process.
        signal.Cancel = true;
        Begin(withDelay);
    }

    [LoggerMessage(1, LogLevel.Information, "Going down: not ready from now on, still accepting for {Delay}", EventName = "ShutdownDelay")]
    private partial void LogDelay(TimeSpan delay);

    [LoggerMessage(2, LogLevel.Information, "Going down: no new clients, up to {Window} to finish what is under way", EventName = "ShutdownDrain")]
    private partial void LogDraining(TimeSpan window);

    [LoggerMessage(3, LogLevel.Information, "Going down: drained after {Seconds:0.0} s", EventName = "ShutdownDrained")]
    private partial void LogDrained(double seconds);

    [LoggerMessage(4, LogLevel.Warning, "Going down now: a second signal came, what is under way is cut", EventName = "ShutdownNow")]
    private partial void LogNow();

    [LoggerMessage(5, LogLevel.Error, "Going down: draining failed; this is a bug in Guard", EventName = "ShutdownBroken")]
    private partial void LogBroken(Exception exception);
}
