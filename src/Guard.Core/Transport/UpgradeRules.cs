using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport;

internal enum UpgradeKind
{
    /// <summary>An ordinary request.</summary>
    None,

    /// <summary>A WebSocket handshake: HTTP/1.1 upgrade or HTTP/2 extended CONNECT (RFC 8441).</summary>
    WebSocket,

    /// <summary>An upgrade to anything else, or a CONNECT that is no WebSocket: not forwarded.</summary>
    Other,
}

/// <summary>What a request wants its connection to become.</summary>
internal static class UpgradeRules
{
    public static UpgradeKind Of(HttpContext context)
    {
        var request = context.Request;
        if (!HttpProtocol.IsHttp11(request.Protocol) && context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            return IsWebSocket(connect.Protocol) ? UpgradeKind.WebSocket : UpgradeKind.Other;
        }

        if (HttpMethods.IsConnect(request.Method))
        {
            return UpgradeKind.Other;
        }

        // Without "Connection: upgrade" the header says nothing (RFC 9110 7.8), and is not passed on.
        var upgrade = request.Headers.Upgrade;
        if (upgrade.Count == 0 || !AsksForUpgrade(request.Headers.Connection))
        {
            return UpgradeKind.None;
        }

        // A server that cannot upgrade (HTTP/2, a method other than GET) would let it through as an ordinary request.
        return upgrade.Count == 1 && IsWebSocket(upgrade[0]) && HttpMethods.IsGet(request.Method)
            && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
                ? UpgradeKind.WebSocket
                : UpgradeKind.Other;
    }

    private static bool IsWebSocket(string? protocol) => string.Equals(protocol, "websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether <c>upgrade</c> is among the options of a Connection header.</summary>
    public static bool AsksForUpgrade(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                if (line.AsSpan()[range].Trim(" \t").Equals("upgrade", StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
