using System.Buffers;
using System.Buffers.Text;
using System.Formats.Cbor;
using Guard.Core.Errors;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>Reads <c>rvt-input</c>: base64url without padding of one well-formed CBOR value. No other part of parsing allocates.</summary>
internal static class CborInput
{
    /// <param name="encoded">The raw value; form-decoded first, like every other.</param>
    /// <param name="input">The bytes of the CBOR value.</param>
    public static GuardError? Read(ReadOnlySpan<char> encoded, out byte[]? input)
    {
        input = null;
        var text = new char[encoded.Length];
        switch (DecodeBuffer.Decode(encoded, plusIsSpace: true, text, out var length))
        {
            case DecodeResult.Malformed:
                return GuardErrors.QueryInvalidPercentEncoding("rvt-input");
            case DecodeResult.TooLong:
                return GuardErrors.QueryInvalidBase64Input();
        }

        // The decoder would accept padding and white space too.
        var base64 = text.AsSpan(0, length);
        foreach (var c in base64)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return GuardErrors.QueryInvalidBase64Input();
            }
        }

        var bytes = new byte[Base64Url.GetMaxDecodedLength(length)];
        if (Base64Url.DecodeFromChars(base64, bytes, out _, out var written) != OperationStatus.Done)
        {
            return GuardErrors.QueryInvalidBase64Input();
        }

        Array.Resize(ref bytes, written);
        if (!IsOneValue(bytes))
        {
            return GuardErrors.QueryInvalidCborInput();
        }

        input = bytes;
        return null;
    }

    private static bool IsOneValue(byte[] bytes)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Lax);
            reader.SkipValue();
            return reader.BytesRemaining == 0;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            // The reader has no way to ask first.
            return false;
        }
    }
}
