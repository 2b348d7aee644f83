using System.Text;

namespace Guard.Model.Text;

internal enum DecodeResult
{
    Ok,

    /// <summary>Not percent-encoded UTF-8.</summary>
    Malformed,

    /// <summary>Longer than the value may be.</summary>
    TooLong,
}

/// <summary>Hands out pieces of a caller's scratch memory for decoded values; a value that reads the same decoded is not copied.</summary>
internal ref struct DecodeBuffer
{
    private Span<char> _free;

    /// <param name="scratch">As long as the sum of the longest values that will be decoded.</param>
    public DecodeBuffer(Span<char> scratch) => _free = scratch;

    /// <summary>Decodes a value of at most <paramref name="maxLength"/> UTF-16 units.</summary>
    public DecodeResult Decode(ReadOnlySpan<char> encoded, bool plusIsSpace, int maxLength, out ReadOnlySpan<char> value)
    {
        if (encoded.IndexOfAny('%', '+') < 0 && Ascii.IsValid(encoded))
        {
            value = encoded;
            return encoded.Length <= maxLength ? DecodeResult.Ok : DecodeResult.TooLong;
        }

        var result = Decode(encoded, plusIsSpace, _free[..maxLength], out var written);
        value = _free[..written];
        _free = _free[written..];
        return result;
    }

    /// <summary>Takes <paramref name="length"/> characters for something that is written otherwise.</summary>
    public Span<char> Take(int length)
    {
        var taken = _free[..length];
        _free = _free[length..];
        return taken;
    }

    /// <summary>Decodes into <paramref name="destination"/>, whose length is the bound.</summary>
    public static DecodeResult Decode(ReadOnlySpan<char> encoded, bool plusIsSpace, Span<char> destination, out int written)
    {
        written = 0;
        var reader = new PercentReader(encoded, plusIsSpace);
        while (reader.TryRead(out var rune))
        {
            if (!rune.TryEncodeToUtf16(destination[written..], out var units))
            {
                written = 0;
                return DecodeResult.TooLong;
            }

            written += units;
        }

        if (reader.IsMalformed)
        {
            written = 0;
            return DecodeResult.Malformed;
        }

        return DecodeResult.Ok;
    }
}
