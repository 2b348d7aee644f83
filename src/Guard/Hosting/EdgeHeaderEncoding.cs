using System.Buffers;
using System.Text;
using Guard.Core.Transport.Connections;

namespace Guard.Hosting;

/// <summary>
/// How the server decodes request headers, for <c>KestrelServerOptions.RequestHeaderEncodingSelector</c>: Latin-1, so that each byte is
/// one character and comes out of <see cref="RunnerInvoker"/> as the same byte.
/// </summary>
/// <remarks>
/// Kestrel replaces a <c>Connection</c> header that has exactly one of <c>close</c>, <c>keep-alive</c> and <c>upgrade</c> by that word
/// alone, and so loses the header names next to it, which must not be forwarded. So that it leaves them, such a line gets a second word,
/// or loses its <c>keep-alive</c>, which HTTP/1.1 means anyway. Names on a line of their own beside a line with one of the words are lost.
/// </remarks>
internal sealed class EdgeHeaderEncoding : Encoding
{
    private const string KeepAliveBehind = ", keep-alive";
    private static readonly EdgeHeaderEncoding ForConnection = new();

    private EdgeHeaderEncoding()
    {
    }

    /// <summary>What a header name may hold (RFC 9110 5.1 and 5.6.2). The server refuses no more than spaces, colons, NUL and non-ASCII in
    /// it, and a name that is none would be lost on the way to the runner.</summary>
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <param name="name">The header's name.</param>
    /// <exception cref="InvalidOperationException">It is none. The server answers 400 and closes the connection.</exception>
    public static Encoding Select(string name)
        => name.Equals("Connection", StringComparison.OrdinalIgnoreCase) ? ForConnection
            : name.Length > 0 && (name[0] == ':' || !name.AsSpan().ContainsAnyExcept(Token)) ? Latin1
            : throw new InvalidOperationException("A header name is no token.");

    public override int GetByteCount(char[] chars, int index, int count) => count;

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
        => Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => Decode(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var text = Decode(bytes.AsSpan(byteIndex, byteCount));
        text.CopyTo(chars.AsSpan(charIndex));
        return text.Length;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount + KeepAliveBehind.Length;

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        var line = Latin1.GetString(bytes);
        if (!line.Contains(','))
        {
            return line;
        }

        bool names = false, keepAlive = false, other = false;
        foreach (var range in line.AsSpan().Split(','))
        {
            var token = line.AsSpan()[range].Trim(" \t");
            if (token.Equals("keep-alive", StringComparison.OrdinalIgnoreCase))
            {
                keepAlive = true;
            }
            else if (token.Equals("close", StringComparison.OrdinalIgnoreCase) || token.Equals("upgrade", StringComparison.OrdinalIgnoreCase))
            {
                other = true;
            }
            else
            {
                names |= !token.IsEmpty;
            }
        }

        return (names, keepAlive, other) switch
        {
            (true, false, true) => line + KeepAliveBehind,
            (true, true, false) => string.Join(", ", line.Split(',')
                .Select(static t => t.Trim(' ', '\t'))
                .Where(t => !t.Equals("keep-alive", StringComparison.OrdinalIgnoreCase))),
            _ => line,
        };
    }
}
