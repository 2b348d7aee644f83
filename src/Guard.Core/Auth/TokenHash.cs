using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Guard.Core.Auth;

/// <summary>
/// Tokens as hashes: what is compared, and what may stand in a configuration in place of the token. SHA-256 without salt is right for
/// tokens, which are random, and would not be for passwords.
/// </summary>
internal static class TokenHash
{
    public const string Prefix = "sha256:";

    /// <summary>Longest token that is looked at, in characters; the parser takes none that is longer.</summary>
    public const int MaxTokenLength = 2048;

    /// <summary>As it stands in a configuration: <c>sha256:</c> and 64 hexadecimal digits.</summary>
    public static string Format(string token) => Prefix + Convert.ToHexStringLower(Of(token));

    /// <summary>The hash of a configured token, be it plain or a hash already.</summary>
    public static byte[] Read(string configured) => TryRead(configured, out var hash) ? hash : Of(configured);

    /// <summary>Reads a token that is configured as its hash.</summary>
    public static bool TryRead(string configured, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = null;
        if (!configured.StartsWith(Prefix, StringComparison.Ordinal) || configured.Length != Prefix.Length + (SHA256.HashSizeInBytes * 2))
        {
            return false;
        }

        var read = new byte[SHA256.HashSizeInBytes];
        if (Convert.FromHexString(configured.AsSpan(Prefix.Length), read, out _, out _) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        hash = read;
        return true;
    }

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
