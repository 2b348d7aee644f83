using System.Security.Cryptography;
using System.Text;
using Guard.Core.Options;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Tokens as hashes: what is compared, and what may stand in a configuration in place of the token. SHA-256 without salt is right for
/// tokens, which are random, and would not be for passwords.
/// </summary>
internal static class TokenHash
{
    /// <summary>Longest token that is looked at, in characters; the parser takes none that is longer.</summary>
    public const int MaxTokenLength = 2048;

    /// <summary>As it stands in a configuration: <c>sha256:</c> and 64 hexadecimal digits.</summary>
    public static string Format(string token) => OptionSyntax.TokenHashPrefix + Convert.ToHexStringLower(Of(token));

    /// <summary>The hash of a configured token, be it plain or a hash already.</summary>
    public static byte[] Read(string configured)
        => OptionSyntax.IsTokenHash(configured) ? Convert.FromHexString(configured.AsSpan(OptionSyntax.TokenHashPrefix.Length)) : Of(configured);

    public static byte[] Of(ReadOnlySpan<char> token)
    {
        var hash = new byte[SHA256.HashSizeInBytes];
        Compute(token, hash);
        return hash;
    }

    /// <summary>Allocates nothing for a token of at most <see cref="MaxTokenLength"/>.</summary>
    public static void Compute(ReadOnlySpan<char> token, Span<byte> hash)
    {
        var size = Encoding.UTF8.GetMaxByteCount(token.Length);
        var bytes = token.Length <= MaxTokenLength ? stackalloc byte[size] : new byte[size];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(token, bytes)], hash);
    }
}
