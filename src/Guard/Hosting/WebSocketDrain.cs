using Guard.Core.Transport.WebSockets;

namespace Guard.Hosting;

/// <summary>Closes clients' WebSockets when the process ends. Thread-safe.</summary>
internal sealed class WebSocketDrain(OpenWebSockets sockets) : IDrainedAtShutdown
{
    /// <inheritdoc/>
    public Task DrainAsync(TimeSpan window, CancellationToken limit) => sockets.CloseAllAsync(window, limit);
}
