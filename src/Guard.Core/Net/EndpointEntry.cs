using System.Net;
using System.Net.Sockets;

namespace Guard.Core.Net;

/// <summary>
/// One entry of <c>Runners:AllowedEndpoints</c>: a CIDR (or one address), or a host pattern. In a pattern <c>*</c> stands for any run of
/// characters without a dot, <c>*.</c> at the start for one or more labels, and <c>*</c> alone for every host. Immutable; thread-safe.
/// </summary>
internal sealed class EndpointEntry
{
    private readonly IPNetwork? _network;
    private readonly string _pattern;

    private EndpointEntry(IPNetwork? network, string pattern)
    {
        _network = network;
        _pattern = pattern;
    }

    public bool IsNetwork => _network is not null;

    /// <summary>Reads an entry; false when it is neither a CIDR, an address, nor a host pattern.</summary>
    public static bool TryParse(string? text, out EndpointEntry entry)
    {
        entry = null!;
        text = text?.Trim();
        if (string.IsNullOrEmpty(text) || text.Length > 253)
        {
            return false;
        }

        if (IPNetwork.TryParse(text, out var network))
        {
            entry = new(Plain(network), "");
        }
        else if (IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text))
        {
            address = AddressRange.Plain(address);
            entry = new(new IPNetwork(address, address.GetAddressBytes().Length * 8), "");
        }
        else if (IsPattern(text))
        {
            entry = new(null, text.ToLowerInvariant());
        }

        return entry is not null;
    }

    /// <param name="address">In plain form: see <see cref="AddressRange.Plain"/>.</param>
    public bool Contains(IPAddress address) => _network is { } network && network.Contains(address);

    /// <param name="host">Lower case, without a trailing dot.</param>
    public bool Matches(ReadOnlySpan<char> host)
    {
        if (_network is not null)
        {
            return false;
        }

        if (_pattern == "*")
        {
            return true;
        }

        if (!_pattern.StartsWith("*.", StringComparison.Ordinal))
        {
            return MatchesGlob(_pattern, host);
        }

        // "*." takes one or more whole labels: try the rest of the pattern behind each dot.
        for (var dot = host.IndexOf('.'); dot > 0; dot = NextDot(host, dot))
        {
            if (MatchesGlob(_pattern.AsSpan(2), host[(dot + 1)..]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Addresses are compared in plain form, so a network of mapped ones is the IPv4 network it maps.</summary>
    private static IPNetwork Plain(IPNetwork network)
        => network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= 96
            ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - 96)
            : network;

    private static int NextDot(ReadOnlySpan<char> host, int dot)
    {
        var next = host[(dot + 1)..].IndexOf('.');
        return next < 0 ? -1 : dot + 1 + next;
    }

    private static bool MatchesGlob(ReadOnlySpan<char> pattern, ReadOnlySpan<char> host)
    {
        int p = 0, h = 0, star = -1, mark = 0;
        while (h < host.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, h);
            }
            else if (p < pattern.Length && pattern[p] == host[h])
            {
                p++;
                h++;
            }
            else if (star >= 0 && host[mark] != '.')
            {
                (p, h) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }

    private static bool IsPattern(string text)
    {
        foreach (var label in text.Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '*'))
                {
                    return false;
                }
            }
        }

        // A name never ends in a number (RFC 3696): "10.0.0" or "300.1.1.1" is an address gone wrong.
        var last = text[(text.LastIndexOf('.') + 1)..];
        return !last.All(char.IsAsciiDigit);
    }
}
