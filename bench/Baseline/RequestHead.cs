using System.Buffers.Text;

namespace Guard.Baseline;

/// <summary>As much of a request as the upstream needs to know: where it ends and what it asks for.</summary>
/// <param name="Length">Bytes of head and body; 0 while some are missing.</param>
/// <param name="IsWebSocket">Asks for an upgrade. <paramref name="Length"/> is then the head's.</param>
internal readonly record struct RequestHead(int Length, bool IsWebSocket)
{
    public static RequestHead Find(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return default;
        }

        end += 4;
        var head = received[..end];
        if (head.StartsWith("GET"u8))
        {
            return new(end, FindValue(head, "\nupgrade: "u8) >= 0);
        }

        var length = FindValue(head, "\ncontent-length: "u8);
        _ = length >= 0 && Utf8Parser.TryParse(head[length..], out int body, out _) ? end += body : 0;
        return received.Length < end ? default : new(end, false);
    }

    public ReadOnlySpan<byte> Path(ReadOnlySpan<byte> received)
    {
        var from = received.IndexOf((byte)' ') + 1;
        return received.Slice(from, received[from..].IndexOf((byte)' '));
    }

    /// <summary>Where the value of a header starts; -1 when it is not there. Names in any case.</summary>
    public static int FindValue(ReadOnlySpan<byte> head, ReadOnlySpan<byte> lowerName)
    {
        for (var at = 0; ; at++)
        {
            var next = head[at..].IndexOf((byte)'\n');
            if (next < 0 || at + next + lowerName.Length > head.Length)
            {
                return -1;
            }

            at += next;
            if (System.Text.Ascii.EqualsIgnoreCase(head.Slice(at, lowerName.Length), lowerName))
            {
                return at + lowerName.Length;
            }
        }
    }
}
