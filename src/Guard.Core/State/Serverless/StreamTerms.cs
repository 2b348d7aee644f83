using System.Security.Cryptography;
using System.Text;
using Guard.Model.Pools;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Names what a stream was opened with: whoever manages the pool then can tell, by comparing names, that URL or headers have changed since.
/// A hash: nothing of the headers can be read from it that cannot be guessed whole.
/// </summary>
internal static class StreamTerms
{
    /// <summary>96 bits: two configs of one pool never share a name by chance.</summary>
    private const int Bytes = 12;

    /// <summary>24 hex digits; the same for headers that differ in order or in the case of their names, as HTTP sees them.</summary>
    public static string Of(ServerlessPoolConfig config)
    {
        var text = new StringBuilder(config.Url);
        foreach (var (name, value) in config.Headers.OrderBy(h => h.Key, StringComparer.OrdinalIgnoreCase))
        {
            text.Append('\n').Append(name.ToLowerInvariant()).Append(": ").Append(value);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, Bytes));
    }
}
