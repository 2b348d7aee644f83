using System.Text;

namespace Guard.Hosting;

/// <summary>
/// How Kestrel decodes the value of content-length before it parses it as a number, which also takes <c>+5</c> and <c>-0</c>: anything
/// but plain digits becomes text that is no number, so Kestrel itself refuses the request. By the time an application sees the header
/// it has been written anew. Thread-safe.
/// </summary>
internal sealed class StrictContentLength : Encoding
{
    private static readonly StrictContentLength Instance = new();

    private StrictContentLength()
    {
    }

    /// <summary>For <c>KestrelServerOptions.RequestHeaderEncodingSelector</c>; every other header keeps Kestrel's own decoding.</summary>
    public static Encoding? Select(string headerName)
        => headerName.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) ? Instance : null;

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        if (bytes.IsEmpty || bytes.Length > chars.Length || bytes.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            chars[0] = 'x';
            return 1;
        }

        return ASCII.GetChars(bytes, chars);
    }

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
        => GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    public override int GetCharCount(byte[] bytes, int index, int count) => Math.Max(count, 1);

    public override int GetMaxCharCount(int byteCount) => Math.Max(byteCount, 1);

    public override int GetByteCount(char[] chars, int index, int count) => ASCII.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
        => ASCII.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetMaxByteCount(int charCount) => ASCII.GetMaxByteCount(charCount);
}
