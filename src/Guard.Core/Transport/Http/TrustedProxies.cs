using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Guard.Core.Net;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport.Http;

/// <summary>The peers whose <c>x-forwarded-*</c> headers are believed (<c>Gateway:TrustedProxies</c>), and who stands behind them.
/// Immutable; thread-safe.</summary>
internal sealed class TrustedProxies
{
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdefABCDEF.:[]");

    private readonly EndpointEntry[] _networks;
    private readonly int _maxHops;

    public TrustedProxies(LiveOptions options)
    {
        _networks = (options.Current.Gateway.TrustedProxies ?? []).Select(t => TryParse(t, out var n) ? n : null).OfType<EndpointEntry>().ToArray();
        _maxHops = options.Current.Gateway.MaxProxyHops;
    }

    /// <summary>Reads one entry, a CIDR or an address; for option validation.</summary>
    public static bool TryParse(string? text, out EndpointEntry network) => EndpointEntry.TryParse(text, out network) && network.IsNetwork;

    /// <summary>The address of a connection's other end, in plain form; null without a socket.</summary>
    public static IPAddress? PeerOf(HttpContext context)
        => context.Connection.RemoteIpAddress is { } remote ? AddressRange.Plain(remote) : null;

    /// <param name="peer">In plain form; null (no socket) is never trusted.</param>
    public bool Contains(IPAddress? peer)
    {
        if (peer is not null)
        {
            foreach (var network in _networks)
            {
                if (network.Contains(peer))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// Who made a request: the peer of its connection, unless that is a trusted proxy. Then <c>x-forwarded-for</c> is read from the right,
    /// where each proxy adds the address it saw, for as long as the address reached is itself trusted, and at most
    /// <c>Gateway:MaxProxyHops</c> entries. An entry that is no address ends the walk: who wrote it is all that is known.
    /// </summary>
    /// <returns>In plain form; null without a socket.</returns>
    public IPAddress? ClientOf(HttpContext context)
    {
        var client = PeerOf(context);
        return Contains(client) ? ClientBehind(client!, context.Request.Headers[HeaderRules.ForwardedFor]) : client;
    }

    private IPAddress ClientBehind(IPAddress client, StringValues forwardedFor)
    {
        var hops = 0;
        for (var line = forwardedFor.Count - 1; line >= 0; line--)
        {
            var rest = forwardedFor[line].AsSpan();
            for (var more = true; more;)
            {
                if (hops++ == _maxHops || !Contains(client))
                {
                    return client;
                }

                var comma = rest.LastIndexOf(',');
                if (!TryReadAddress(rest[(comma + 1)..].Trim(" \t"), out var next))
                {
                    return client;
                }

                client = next;
                more = comma >= 0;
                rest = more ? rest[..comma] : [];
            }
        }

        return client;
    }

    /// <summary>An address as proxies write it, also with a port. Shorthands, such as octal or one number for all four, are refused.</summary>
    private static bool TryReadAddress(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.ContainsAnyExcept(AddressCharacters) || !IPEndPoint.TryParse(text, out var read))
        {
            return false;
        }

        var isV4 = read.AddressFamily == AddressFamily.InterNetwork;
        if (isV4 && !text.StartsWith(read.Address.ToString()))
        {
            return false;
        }

        address = AddressRange.Plain(read.Address);
        return true;
    }
}
