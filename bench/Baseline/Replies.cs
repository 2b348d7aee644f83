using System.Text;

namespace Guard.Baseline;

/// <summary>The upstream's replies, made once.</summary>
internal static class Replies
{
    private static readonly byte[] Tiny = Make(2);
    private static readonly byte[] OneKiB = Make(1024);
    private static readonly byte[] SixtyFourKiB = Make(64 * 1024);
    private static readonly byte[] OneMiB = Make(1024 * 1024);

    public static ReadOnlyMemory<byte> For(ReadOnlySpan<byte> path)
        => path.EndsWith("/1k"u8) ? OneKiB
            : path.EndsWith("/64k"u8) ? SixtyFourKiB
            : path.EndsWith("/1m"u8) ? OneMiB
            : Tiny;

    private static byte[] Make(int length)
        => Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{new string('o', length)}");
}
