using Guard.Health;
using Guard.Model.Stores;

namespace Guard.Seed;

/// <summary>
/// Loads the seed file at start, or, when the store is away then, as soon as it is back: until then Guard listens and is not ready. Used
/// once.
/// </summary>
internal sealed partial class SeedWhenStoreIsBack(
    SeedLoader loader, HealthState health, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<SeedWhenStoreIsBack> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the seed is loaded, or when that has to wait. Throws <see cref="StartupException"/> as the loader does.</summary>
    public async Task StartAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            await loader.LoadAsync(file, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            health.SeedWaits(true);
            LogWaits();
            _ = RepeatAsync(file, lifetime.ApplicationStopping);
        }
    }

    private async Task RepeatAsync(string file, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                await Task.Delay(Pause, time, stopping);
                await loader.LoadAsync(file, stopping);
                health.SeedWaits(false);
                return;
            }
            catch (StoreUnavailableException)
            {
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // What would have stopped the start stops the process now, with the same line.
                LogRefused(e.Message);
                Environment.ExitCode = 1;
                lifetime.StopApplication();
                return;
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store does not answer; the seed file is loaded when it does. Until then Guard is not ready", EventName = "SeedWaits")]
    private partial void LogWaits();

    [LoggerMessage(2, LogLevel.Critical, "The seed file cannot be loaded; Guard stops: {Reason}", EventName = "SeedRefused")]
    private partial void LogRefused(string reason);
}
