using System.Globalization;
using System.Text;

namespace Guard.TestSupport;

/// <summary>How a <see cref="ServerlessEndpoint"/> may answer: as it should, and every way it may break.</summary>
internal static class StartReplies
{
    public const string StreamHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static readonly ServerlessReply Ok = Status(200, "ok");

    /// <summary>An init of version 1, and a stream that stays open until the caller closes it.</summary>
    public static readonly ServerlessReply Healthy = Stream(Init("""{"version":1}"""), stay: true);

    /// <summary>Reads on and says nothing.</summary>
    public static readonly ServerlessReply Hang = static (connection, _) => connection.WaitForEndAsync();

    /// <summary>A status line, and then a header each second, without end.</summary>
    public static readonly ServerlessReply SlowHead = Drip("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n", "x-wait: 1\r\n");

    /// <summary>A stream that gives one byte each second.</summary>
    public static readonly ServerlessReply SlowStream = Drip(StreamHead, Chunk("d"));

    public static readonly ServerlessReply JsonInPlaceOfStream = Status(200, """{"status":"ok"}""", "content-type: application/json\r\n");

    public static readonly ServerlessReply EndsAtOnce = Stream("", stay: false);

    public static readonly ServerlessReply InvalidBase64 = Stream("data: this is not base64!\n\n", stay: true);

    public static readonly ServerlessReply InvalidPayload = Stream(Init("""{"hello":"world"}"""), stay: true);

    public static readonly ServerlessReply Garbage = static (connection, _) => connection.SendAsync("\0\u0001 no http at all\r\n\r\n");

    /// <summary>Says it is packed; the bytes do not matter.</summary>
    public static readonly ServerlessReply Gzip = static async (connection, _) =>
    {
        await connection.SendAsync(StreamHead.Replace("\r\n\r\n", "\r\ncontent-encoding: gzip\r\n\r\n", StringComparison.Ordinal) + Chunk("\u001f\u008b\b"));
        await connection.WaitForEndAsync();
    };

    /// <summary>302 to where it came from.</summary>
    public static readonly ServerlessReply EndlessRedirect = Status(302, "", "location: /start\r\n");

    public static readonly ServerlessReply ForbiddenRedirect = Status(307, "", "location: http://169.254.169.254/latest/meta-data/\r\n");

    public static readonly ServerlessReply InitThenEnd = Stream(Init("""{"version":1}"""), stay: false);

    public static readonly ServerlessReply InitTwice = Stream(Init("""{"version":1}""") + Init("""{"version":7}"""), stay: true);

    /// <summary>The connection is reset in place of a reply.</summary>
    public static readonly ServerlessReply Reset = static (connection, _) =>
    {
        connection.Reset();
        return Task.CompletedTask;
    };

    public static string Init(string json) => $"data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(json))}\n\n";

    public static string Chunk(string latin1) => latin1.Length == 0 ? "" : $"{latin1.Length.ToString("x", CultureInfo.InvariantCulture)}\r\n{latin1}\r\n";

    public static ServerlessReply Metadata(int version)
        => Status(200, $$"""{"version":{{version}}}""", "content-type: application/json\r\n");

    public static ServerlessReply Status(int status, string body = "", string headers = "")
        => (connection, _) => connection.SendAsync($"HTTP/1.1 {status} Scripted\r\n{headers}content-length: {body.Length}\r\n\r\n{body}");

    /// <summary>A true event stream with these events, then its end, or the wait for the caller to close it.</summary>
    public static ServerlessReply Stream(string events, bool stay) => async (connection, _) =>
    {
        await connection.SendAsync(StreamHead + Chunk(events) + (stay ? "" : "0\r\n\r\n"));
        if (stay)
        {
            await connection.WaitForEndAsync();
        }
    };

    /// <summary>A 500 with a body of so many bytes; <paramref name="sent"/> hears of every piece that went out.</summary>
    public static ServerlessReply HugeBody(long bytes, Action<int>? sent = null) => async (connection, _) =>
    {
        await connection.SendAsync($"HTTP/1.1 500 Scripted\r\ncontent-length: {bytes}\r\n\r\n");
        var piece = new byte[64 * 1024];
        piece.AsSpan().Fill((byte)'x');
        for (var rest = bytes; rest > 0; rest -= piece.Length)
        {
            await connection.SendAsync(piece);
            sent?.Invoke(piece.Length);
        }
    };

    private static ServerlessReply Drip(string head, string drop) => async (connection, _) =>
    {
        await connection.SendAsync(head);
        while (true)
        {
            await Task.Delay(Second, TimeProvider.System, connection.Stopped);
            await connection.SendAsync(drop);
        }
    };
}
