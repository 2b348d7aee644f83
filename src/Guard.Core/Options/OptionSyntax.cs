using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using Guard.Model.Ids;

namespace Guard.Core.Options;

/// <summary>The forms text options have. Pure functions; none throws.</summary>
internal static class OptionSyntax
{
    public const string TokenHashPrefix = "sha256:";

    /// <summary>Host names are at most 253 characters; an actor id and a dot come before the domain.</summary>
    private const int MaxActorDomain = 253 - ActorId.TextLength - 1;

    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly SearchValues<char> PrefixCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private static readonly SearchValues<char> SchemeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789+-.");

    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-._");

    private static readonly SearchValues<char> NotInBaseUrl = SearchValues.Create(" \t\\?#@");

    /// <summary>RFC 1123: 1 to 63 of a-z, 0-9 and -, no - at the ends.</summary>
    public static bool IsLabel(ReadOnlySpan<char> text)
        => text.Length is >= 1 and <= 63 && text[0] != '-' && text[^1] != '-' && text.IndexOfAnyExcept(LabelCharacters) < 0;

    /// <summary>A domain that can stand after <c>{actor_id}.</c>: labels with dots between; not an IPv4 address.</summary>
    public static bool IsDomain(string text)
    {
        var lower = text.ToLowerInvariant();
        foreach (var label in lower.AsSpan().Split('.'))
        {
            if (!IsLabel(lower.AsSpan(label)))
            {
                return false;
            }
        }

        var last = lower.AsSpan(lower.LastIndexOf('.') + 1);
        return lower.Length <= MaxActorDomain && last.IndexOfAnyExceptInRange('0', '9') >= 0;
    }

    /// <summary>Can be sent in a header after <c>Bearer </c>: visible ASCII.</summary>
    public static bool IsToken(string text) => text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;

    /// <summary>A client's token, hashed, with its namespace: <c>{namespace}=sha256:{64 hexadecimal digits}</c>; <c>*</c> is every namespace.</summary>
    public static bool IsHashedToken(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && (text.AsSpan(0, equals) is "*" || IsLabel(text.AsSpan(0, equals))) && IsTokenHash(text.AsSpan(equals + 1));
    }

    /// <summary>A token as its hash: <see cref="TokenHashPrefix"/> and 64 hexadecimal digits.</summary>
    public static bool IsTokenHash(ReadOnlySpan<char> text)
        => text.StartsWith(TokenHashPrefix, StringComparison.Ordinal)
            && text.Length == TokenHashPrefix.Length + (SHA256.HashSizeInBytes * 2)
            && !text[TokenHashPrefix.Length..].ContainsAnyExcept(HexDigits);

    public static bool IsKeyPrefix(string text) => text.Length <= 64 && text.AsSpan().IndexOfAnyExcept(PrefixCharacters) < 0;

    /// <summary>An address, or a network whose host bits are zero. The short forms of IPv4 addresses (<c>10.1</c>) are refused.</summary>
    public static bool IsNetwork(string text)
    {
        var slash = text.IndexOf('/');
        var address = slash < 0 ? text : text[..slash];
        return IPAddress.TryParse(address, out var ip)
            && (address.Contains(':', StringComparison.Ordinal) ? !address.Contains('%', StringComparison.Ordinal) && address[0] != '[' : ip.ToString() == address)
            && (slash < 0 || (IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(ip)));
    }

    /// <summary><c>*</c>, <c>null</c>, or an origin as a browser sends it: it is compared byte by byte.</summary>
    public static bool IsOrigin(string text)
    {
        if (text is "*" or "null")
        {
            return true;
        }

        var separator = text.IndexOf("://", StringComparison.Ordinal);
        if (separator <= 0 || text.AsSpan(0, separator).IndexOfAnyExcept(SchemeCharacters) >= 0 || text[0] is < 'a' or > 'z')
        {
            return false;
        }

        var authority = text.AsSpan(separator + 3);
        var colon = authority.LastIndexOf(':');
        if (colon > authority.LastIndexOf(']'))
        {
            var port = authority[(colon + 1)..];
            if (port.IndexOfAnyExceptInRange('0', '9') >= 0 || !ushort.TryParse(port, out var number) || number == 0 || port[0] == '0'
                || (number == 80 && text.StartsWith("http:", StringComparison.Ordinal))
                || (number == 443 && text.StartsWith("https:", StringComparison.Ordinal)))
            {
                return false;
            }

            authority = authority[..colon];
        }

        return authority is ['[', .. var inner, ']']
            ? inner.Contains(':') && IPAddress.TryParse(inner, out _)
            : authority.Length is >= 1 and <= 253 && authority.IndexOfAnyExcept(HostCharacters) < 0;
    }

    /// <summary>http or https, without a user name.</summary>
    public static bool IsUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme is "http" or "https") && url.UserInfo.Length == 0;

    /// <summary>A base URL others can call: http or https, with a host, without user name, query and fragment.</summary>
    public static bool IsBaseUrl(string text)
        => Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            && url.Host.Length > 0 && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0
            && text.AsSpan().IndexOfAny(NotInBaseUrl) < 0;
}
