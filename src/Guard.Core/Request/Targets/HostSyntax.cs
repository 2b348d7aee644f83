using System.Globalization;
using System.Net;

namespace Guard.Core.Request.Targets;

/// <summary>
/// What a Host header may be: a host name or an address, with a port or without. RFC 3986 allows far more in a registered name, nobody has
/// such names, and servers and the HTTP client disagree about them: the client sends a Host of its own beside one it cannot read. Thread-safe.
/// </summary>
internal static class HostSyntax
{
    private const int MaxNameLength = 253;
    private const int MaxLabelLength = 63;

    /// <summary>Never allocates.</summary>
    public static bool IsValid(ReadOnlySpan<char> host)
    {
        if (host.StartsWith("["))
        {
            var end = host.IndexOf(']');
            return end > 0 && host[1..end].Contains(':') && !host[1..end].Contains('%') && IPAddress.IsValid(host[1..end]) && IsPort(host[(end + 1)..]);
        }

        var colon = host.IndexOf(':');
        return colon < 0 ? IsName(host) : IsName(host[..colon]) && IsPort(host[colon..]);
    }

    private static bool IsPort(ReadOnlySpan<char> text)
        => text.IsEmpty || (text[0] == ':' && text.Length is > 1 and <= 6 && ushort.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool IsName(ReadOnlySpan<char> name)
    {
        // A final dot says that the name is complete (RFC 1034 3.1).
        name = name.EndsWith(".") ? name[..^1] : name;
        if (name.Length is 0 or > MaxNameLength)
        {
            return false;
        }

        var label = 0;
        foreach (var c in name)
        {
            if (c == '.')
            {
                if (label == 0)
                {
                    return false;
                }

                label = 0;
            }
            else if ((!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')) || ++label > MaxLabelLength || (label == 1 && !char.IsAsciiLetterOrDigit(c)))
            {
                return false;
            }
        }

        return label > 0;
    }
}
