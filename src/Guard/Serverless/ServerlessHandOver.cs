using Guard.Core.State.Serverless;
using Guard.Core.State.Upkeep;
using Guard.Health;

namespace Guard.Serverless;

/// <summary>
/// The end of this Guard as serverless pools see it. As soon as it drains it gives up managing them, so that another Guard replaces its
/// connections and then drains them; when it stops, what is left of them drains, in the time requests have to finish.
/// </summary>
internal sealed class ServerlessHandOver(
    ServerlessStreams streams, PoolKeepers keepers, HealthState health, IHostApplicationLifetime lifetime) : IHostedService, IDisposable
{
    private readonly List<CancellationTokenRegistration> _held = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _held.Add(health.Draining.UnsafeRegister(static self => ((ServerlessHandOver)self!).Leave(), this));
        _held.Add(lifetime.ApplicationStopping.UnsafeRegister(static self => _ = ((ServerlessHandOver)self!).DrainAsync(), this));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _held.ForEach(static held => held.Dispose());

    private void Leave()
    {
        streams.Leave();
        keepers.HandOver();
    }

    /// <summary>Beside the listeners' own end, which the host awaits first; it awaits the streams' after it.</summary>
    private async Task DrainAsync()
    {
        try
        {
            await streams.DrainAsync(lifetime.ApplicationStopped);
        }
        catch (OperationCanceledException)
        {
            // What is left was closed when the streams were stopped.
        }
    }
}
