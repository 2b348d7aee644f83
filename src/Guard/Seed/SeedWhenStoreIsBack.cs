using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Health;
using Guard.Model.Stores;

namespace Guard.Seed;

/// <summary>
/// Loads the seed file at start, or, when the store is away then, as soon as it is back: until then Guard listens and is not ready. Used
/// once.
/// </summary>
internal sealed partial class SeedWhenStoreIsBack(
    SeedLoader loader, HealthState health, IHostApplicationLifetime lifetime, GuardMetrics metrics, TimeProvider time, ILogger<SeedWhenStoreIsBack> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the seed is loaded, or when that has to wait. Throws <see cref="StartupException"/> as the loader does.</summary>
    public async Task StartAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            await loader.LoadAsync(file, cancellationToken);
        }
        catch (StoreException e)
        {
            health.SeedWaits(true);
            LogWaits(e.Message);
            _ = RepeatAsync(file);
        }
    }

    private async Task RepeatAsync(string file)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        await new GuardedLoop("seed", metrics, time, logger).RunAsync(
            Pause,
            async cancellationToken =>
            {
                await TryAsync(file, cancellationToken);
                await done.CancelAsync();
            },
            done.Token);
    }

    private async Task TryAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            await loader.LoadAsync(file, cancellationToken);
            health.SeedWaits(false);
        }
        catch (StartupException e)
        {
            // What would have stopped the start stops the process now, with the same line.
            LogRefused(e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store cannot be used ({Reason}); the seed file is loaded when it can. Until then Guard is not ready", EventName = "SeedWaits")]
    private partial void LogWaits(string reason);

    [LoggerMessage(2, LogLevel.Critical, "The seed file cannot be loaded; Guard stops: {Reason}", EventName = "SeedRefused")]
    private partial void LogRefused(string reason);
}
