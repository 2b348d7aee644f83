using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport.Http;

/// <summary>
/// The header names a <c>Connection</c> header declares hop-by-hop, besides those that always are. Never names <c>host</c> or
/// <c>content-length</c>: a sender may not strip what the next hop routes and frames by. Immutable.
/// </summary>
internal readonly struct ConnectionTokens
{
    private readonly HashSet<string>? _names;

    private ConnectionTokens(HashSet<string>? names) => _names = names;

    public static ConnectionTokens Parse(StringValues connection)
    {
        HashSet<string>? names = null;
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var token = line.AsSpan()[range].Trim(" \t");
                if (!token.IsEmpty && !IsUsual(token))
                {
                    // A set, so that many tokens times many headers stay cheap.
                    (names ??= new(StringComparer.OrdinalIgnoreCase)).Add(token.ToString());
                }
            }
        }

        return new(names);
    }

    public bool Contains(string name) => _names is not null && _names.Contains(name);

    private static bool IsUsual(ReadOnlySpan<char> token)
        => token.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
            || token.Equals("close", StringComparison.OrdinalIgnoreCase)
            || token.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
            || token.Equals("host", StringComparison.OrdinalIgnoreCase)
            || token.Equals("content-length", StringComparison.OrdinalIgnoreCase);
}
