using System.Text;

namespace Guard.Baseline;

/// <summary>The upstream's replies, made once.</summary>
internal static class Replies
{
    private static readonly byte[] Tiny = Make(2);
    private static readonly byte[] OneKiB = Make(1024);
    private static readonly byte[] SixtyFourKiB = Make(64 * 1024);
    private static readonly byte[] OneMiB = Make(1024 * 1024);

    /// <summary>The reply to a request, which stands at the start of what was received.</summary>
    public static ReadOnlyMemory<byte> For(int port, RequestHead request, ReadOnlySpan<byte> received)
    {
        var path = request.Path(received);
        return path.EndsWith("/who"u8) ? Who(port, path, received[..request.Length])
            : path.EndsWith("/1k"u8) ? OneKiB
            : path.EndsWith("/64k"u8) ? SixtyFourKiB
            : path.EndsWith("/1m"u8) ? OneMiB
            : Tiny;
    }

    /// <summary>The port that was asked, the generation the proxy took the actor to be in, and the path it asked for: what tells whether a
    /// proxy knows where an actor is.</summary>
    private static byte[] Who(int port, ReadOnlySpan<byte> path, ReadOnlySpan<byte> head)
    {
        var at = RequestHead.FindValue(head, "\nx-rivet-actor-generation: "u8);
        var generation = at < 0 ? "0" : Encoding.ASCII.GetString(head.Slice(at, head[at..].IndexOf((byte)'\r')));
        return Make($"{port} {generation} {Encoding.ASCII.GetString(path)}");
    }

    private static byte[] Make(int length) => Make(new string('o', length));

    private static byte[] Make(string body)
        => Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\n\r\n{body}");
}
