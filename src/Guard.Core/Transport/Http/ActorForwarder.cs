using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Transport.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Delivers a request to an actor's runner over HTTP, once, and the reply to the client. Whether it is sent again is not decided here.
/// Thread-safe.
/// </summary>
internal sealed class ActorForwarder
{
    private readonly ForwardParts _parts;
    private readonly OpenWebSockets _open;
    private readonly GuardMetrics _metrics;
    private readonly TimeProvider _time;

    public ActorForwarder(
        IHttpForwarder forwarder,
        ForwardingInvoker invoker,
        LiveOptions options,
        TrustedProxies trusted,
        LastReply lastReply,
        OpenWebSockets open,
        GuardMetrics metrics,
        TimeProvider time,
        ILogger<ActorForwarder> logger)
    {
        (_open, _metrics, _time) = (open, metrics, time);

        // Upgraded connections may be silent for ever; the handshake before has its own limit. Over TLS a WebSocket goes as HTTP/1.1,
        // which every server of either version speaks.
        var requests = new ForwardProtocols(options.Current.Forwarding.ActivityTimeout, HttpVersion.Version20);
        var webSockets = new ForwardProtocols(Timeout.InfiniteTimeSpan, HttpVersion.Version11);
        _parts = new(forwarder, invoker, requests, webSockets, options, trusted, lastReply, logger);
    }

    /// <summary>Begins one try to send a request to the runner of <paramref name="route"/>. Not for WebSocket handshakes.</summary>
    /// <param name="context">The client's request; its response must not have started. CORS headers are on it already.</param>
    /// <param name="route">Must have a runner.</param>
    /// <param name="forwardedTarget">Path and query as the actor sees them, byte for byte.</param>
    /// <param name="body">The request's body; null when it has none. Rewound here.</param>
    public ForwardExchange Begin(HttpContext context, ActorRoute route, string forwardedTarget, ReplayableBody? body)
    {
        if (body is not null)
        {
            body.Rewind();
            context.Request.Body = body;
        }

        return new(_parts, context, route, forwardedTarget, body, null);
    }

    /// <summary>Forwards a WebSocket handshake, and the connection it becomes.</summary>
    /// <param name="context">As for <see cref="Begin"/>, like the rest.</param>
    /// <returns>See <see cref="ForwardOutcome"/>; expected failures are never thrown.</returns>
    public async ValueTask<ForwardOutcome> ForwardWebSocketAsync(HttpContext context, ActorRoute route, string forwardedTarget)
    {
        var limits = _parts.Options.Current.Forwarding;
        using var handshake = new WebSocketHandshake(limits.HandshakeTimeout, limits.ActivityTimeout, _time, _open, _metrics.WebSockets);
        var exchange = new ForwardExchange(_parts, context, route, forwardedTarget, null, handshake);
        return exchange.Conclude(await exchange.SendAsync());
    }
}
