using System.Buffers.Text;
using System.Text;

namespace Guard.Load.Clients;

/// <summary>As much of HTTP/1.1 replies as a load client needs: where one ends.</summary>
internal static class HttpReply
{
    /// <summary>Head and, by content-length or last chunk, body have arrived.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> received) => LengthOf(received) is var length && length > 0 && received.Length >= length;

    /// <summary>Bytes of the whole reply; 0 while its head is not complete, or its chunks are not.</summary>
    public static int LengthOf(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return 0;
        }

        var head = received[..(end + 2)];
        var at = IndexOfIgnoreCase(head, "\ncontent-length: "u8);
        if (at >= 0)
        {
            return Utf8Parser.TryParse(head[(at + 17)..], out int length, out _) ? end + 4 + length : 0;
        }

        var last = received[end..].IndexOf("\r\n0\r\n\r\n"u8);
        return IndexOfIgnoreCase(head, "\ntransfer-encoding: "u8) < 0 ? end + 4 : last < 0 ? 0 : end + last + 7;
    }

    private static int IndexOfIgnoreCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
    {
        for (var i = 0; i + lower.Length <= text.Length; i++)
        {
            if (text[i] == lower[0] && Ascii.EqualsIgnoreCase(text.Slice(i, lower.Length), lower))
            {
                return i;
            }
        }

        return -1;
    }
}
