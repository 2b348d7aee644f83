using Prometheus;

namespace Guard.Core.Forwarding;

/// <summary>
/// Bounds a WebSocket handshake: <c>Forwarding:HandshakeTimeout</c> until the runner's 101, none after it. A refusal gets one more
/// <c>Forwarding:ActivityTimeout</c> to be read whole. Counts the connection while it is upgraded. Thread-safe.
/// </summary>
internal sealed class WebSocketHandshake : IDisposable
{
    private readonly TimeSpan _activityTimeout;
    private readonly Gauge _webSockets;
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _either;

    public WebSocketHandshake(
        TimeSpan handshakeTimeout, TimeSpan activityTimeout, TimeProvider time, Gauge webSockets, CancellationToken cancellationToken)
    {
        _webSockets = webSockets;
        _activityTimeout = activityTimeout;
        _timeout = new CancellationTokenSource(handshakeTimeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _timeout.Token);
    }

    /// <summary>Fires with the limit, or with the caller's token.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>The limit fired.</summary>
    public bool IsTimedOut => _timeout.IsCancellationRequested;

    /// <summary>The runner answered 101: the connection is upgraded.</summary>
    public bool IsAccepted { get; private set; }

    public void Accepted()
    {
        _timeout.CancelAfter(Timeout.InfiniteTimeSpan);
        IsAccepted = true;
        _webSockets.Inc();
    }

    public void Refused() => _timeout.CancelAfter(_activityTimeout);

    public void Dispose()
    {
        if (IsAccepted)
        {
            _webSockets.Dec();
        }

        _either.Dispose();
        _timeout.Dispose();
    }
}
