using System.Diagnostics.CodeAnalysis;
using Prometheus;

namespace Guard.Core.Transport.WebSockets;

/// <summary>
/// Bounds a WebSocket handshake: <c>Forwarding:HandshakeTimeout</c> until the runner's 101, none after it. A refusal gets one more
/// <c>Forwarding:ActivityTimeout</c> to be read whole. Counts the connection while it is upgraded. Thread-safe.
/// </summary>
internal sealed class WebSocketHandshake : IDisposable
{
    private readonly TimeSpan _activityTimeout;
    private readonly TimeProvider _time;
    private readonly OpenWebSockets _open;
    private readonly Gauge _webSockets;
    private readonly CancellationTokenSource _timeout;

    public WebSocketHandshake(TimeSpan handshakeTimeout, TimeSpan activityTimeout, TimeProvider time, OpenWebSockets open, Gauge webSockets)
    {
        (_time, _open, _webSockets) = (time, open, webSockets);
        _activityTimeout = activityTimeout;
        _timeout = new CancellationTokenSource(handshakeTimeout, time);
    }

    /// <summary>Fires with the limit.</summary>
    public CancellationToken Token => _timeout.Token;

    /// <summary>The limit fired.</summary>
    public bool IsTimedOut => _timeout.IsCancellationRequested;

    /// <summary>The runner answered 101: the connection is upgraded.</summary>
    [MemberNotNullWhen(true, nameof(Duplex))]
    public bool IsAccepted => Duplex is not null;

    /// <summary>Null before the runner's 101.</summary>
    public WebSocketDuplex? Duplex { get; private set; }

    /// <param name="actorId">For what the client is told when the runner is lost, as the rest.</param>
    public WebSocketDuplex Accept(string actorId, string runnerId, string rayId)
    {
        _timeout.CancelAfter(Timeout.InfiniteTimeSpan);
        _webSockets.Inc();
        return Duplex = new WebSocketDuplex(_open, _time, actorId, runnerId, rayId);
    }

    public void Refused() => _timeout.CancelAfter(_activityTimeout);

    public void Dispose()
    {
        if (IsAccepted)
        {
            _webSockets.Dec();
            Duplex.Dispose();
        }

        _timeout.Dispose();
    }
}
