using Microsoft.Extensions.Hosting;

namespace Guard.Core.Async;

/// <summary>A loop that the host starts and stops, for work that need not know of hosts.</summary>
internal sealed class GuardedService(GuardedLoop loop, TimeSpan period, Func<CancellationToken, ValueTask> step) : BackgroundService
{
    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.RunAsync(period, step, stoppingToken);
}
