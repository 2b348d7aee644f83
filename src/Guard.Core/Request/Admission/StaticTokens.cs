using System.Security.Cryptography;
using Guard.Core.Options;

namespace Guard.Core.Request.Admission;

/// <summary>
/// The tokens of <c>Auth:Tokens</c>, each with its namespace. A given token is compared with every one of them, always and in constant
/// time, so that the time of an answer tells nothing; that costs some 20 ns a token. Immutable; thread-safe.
/// </summary>
internal sealed class StaticTokens
{
    private readonly (byte[] Hash, TokenScope Scope)[] _tokens;

    /// <param name="entries">Each as <see cref="OptionSyntax.IsHashedToken"/> has it; others are left out.</param>
    public StaticTokens(IEnumerable<string> entries)

        // A token listed for several namespaces is good for each of them.
        => _tokens = [.. entries.Where(OptionSyntax.IsHashedToken).Select(Split)
            .GroupBy(entry => entry.Hash.ToLowerInvariant())
            .Select(token => (TokenHash.Read(token.Key), new TokenScope([.. token.Select(entry => entry.Namespace)])))];

    /// <summary>Null when it is none of them.</summary>
    public TokenScope? Find(ReadOnlySpan<char> token)
    {
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        TokenHash.Compute(token, given);
        TokenScope? found = null;
        foreach (var (hash, scope) in _tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(given, hash))
            {
                found = scope;
            }
        }

        return found;
    }

    private static (string Namespace, string Hash) Split(string entry)
    {
        var equals = entry.IndexOf('=', StringComparison.Ordinal);
        return (entry[..equals], entry[(equals + 1)..]);
    }
}
