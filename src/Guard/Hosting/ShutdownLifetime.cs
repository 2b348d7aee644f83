using System.Runtime.InteropServices;
using Guard.Core.Options;
using Guard.Health;

namespace Guard.Hosting;

/// <summary>
/// Ends the process in steps. SIGTERM: <c>/readyz</c> says no at once, requests are accepted for <c>Shutdown:Delay</c> more, then the
/// host stops and gives those under way <c>Shutdown:DrainTimeout</c>. SIGINT and SIGQUIT, or a second signal, skip the delay.
/// Thread-safe.
/// </summary>
internal sealed partial class ShutdownLifetime(
    IHostApplicationLifetime lifetime, HealthState health, LiveOptions options, TimeProvider time, ILogger<ShutdownLifetime> logger) : IHostLifetime, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IDisposable> _held = [];

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

    /// <summary>Starts the end of the process, as a signal does. Called again: ends it without waiting for the delay.</summary>
    public void Begin(bool withDelay)
    {
        var delay = options.Current.Shutdown.Delay;
        lock (_lock)
        {
            if (withDelay && delay > TimeSpan.Zero && !health.IsDraining)
            {
                health.Drain();
                LogDraining(delay);
                _held.Add(time.CreateTimer(static state => ((ShutdownLifetime)state!).Stop(), this, delay, Timeout.InfiniteTimeSpan));
                return;
            }

            health.Drain();
        }

        Stop();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _held.ForEach(held => held.Dispose());
            _held.Clear();
        }
    }

    private void Stop()
    {
        LogStopping();
        lifetime.StopApplication();
    }

    private void OnSignal(PosixSignalContext signal, bool withDelay)
    {
        // Without this the runtime ends the process.
        signal.Cancel = true;
        Begin(withDelay);
    }

    [LoggerMessage(1, LogLevel.Information, "Going down: not ready from now on, still accepting for {Delay}", EventName = "ShutdownDelay")]
    private partial void LogDraining(TimeSpan delay);

    [LoggerMessage(2, LogLevel.Information, "Going down: finishing what is under way", EventName = "ShutdownNow")]
    private partial void LogStopping();
}
