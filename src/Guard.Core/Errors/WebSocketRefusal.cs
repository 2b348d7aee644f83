using System.Net.WebSockets;
using Guard.Model.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Errors;

/// <summary>What a request is to somebody who wants to refuse it on a WebSocket.</summary>
internal enum HandshakeKind
{
    /// <summary>No WebSocket handshake, or one this server cannot complete.</summary>
    None,
    Valid,
    InvalidKey,
    InvalidVersion,
}

/// <summary>
/// Refuses a WebSocket handshake in the one way a browser's script can see: accept it, then close with the error as the reason. Needs the
/// WebSocket middleware in front.
/// </summary>
internal static class WebSocketRefusal
{
    private const string Version = "13";

    private const string Websocket = "websocket";
    private const string Subprotocol = "rivet";
    private const int KeyBytes = 16;

    /// <summary>The most a control frame can carry after the two bytes of its code.</summary>
    private const int MaxReasonBytes = 123;

    /// <summary>How long the client gets to answer the close.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(3);

    public static HandshakeKind Examine(HttpContext context)
    {
        var request = context.Request;
        var extendedConnect = context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } feature
            && string.Equals(feature.Protocol, Websocket, StringComparison.OrdinalIgnoreCase);
        if (!extendedConnect && !AsksForUpgrade(context))
        {
            return HandshakeKind.None;
        }

        if (request.Headers.SecWebSocketVersion is not [Version])
        {
            return HandshakeKind.InvalidVersion;
        }

        // Over HTTP/2 there is no key: nothing between could mistake the stream for a connection.
        if (!extendedConnect && !IsKey(request.Headers.SecWebSocketKey))
        {
            return HandshakeKind.InvalidKey;
        }

        return context.WebSockets.IsWebSocketRequest ? HandshakeKind.Valid : HandshakeKind.None;
    }

    /// <summary>Answers 101, closes with 1011 and <c>{group}.{code}#{ray_id}</c>, and waits a while for the client's close.</summary>
    public static async Task CloseAsync(HttpContext context, GuardError error)
    {
        var time = context.RequestServices?.GetService<TimeProvider>() ?? TimeProvider.System;
        var offered = context.WebSockets.WebSocketRequestedProtocols.Contains(Subprotocol);
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = offered ? Subprotocol : null,
                KeepAliveInterval = TimeSpan.Zero,
            });
            using var timeout = new CancellationTokenSource(CloseTimeout, time);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.InternalServerError, Reason(error, context.TraceIdentifier), linked.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // The client left, or keeps talking after the close: what it was to be told has been sent as far as it could be.
            context.Abort();
        }
    }

    /// <summary>Says which version would do (RFC 6455, 4.2.2) and, where HTTP has upgrades, what to upgrade to (RFC 9110, 15.5.22).</summary>
    public static void WriteVersion(HttpContext context)
    {
        context.Response.Headers.SecWebSocketVersion = Version;
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
        {
            context.Response.Headers.Upgrade = Websocket;
            context.Response.Headers.Connection = "Upgrade";
        }
    }

    internal static string Reason(GuardError error, string rayId) => Utf8Prefix.Of($"{error.FullCode}#{rayId}", MaxReasonBytes);

    private static bool AsksForUpgrade(HttpContext context)
        => HttpMethods.IsGet(context.Request.Method)
            && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && context.Request.Headers.Upgrade is [{ } upgrade]
            && upgrade.Trim().Equals(Websocket, StringComparison.OrdinalIgnoreCase);

    private static bool IsKey(StringValues key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes + 2];
        return key is [{ Length: 24 } text] && Convert.TryFromBase64String(text, bytes, out var written) && written == KeyBytes;
    }
}
