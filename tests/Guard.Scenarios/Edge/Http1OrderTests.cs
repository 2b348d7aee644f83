using System.Text;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge;

/// <summary>What comes when on one HTTP/1.1 connection.</summary>
public sealed class Http1OrderTests
{
    private const string Handshake = """
        GET /gateway/{actor}/socket HTTP/1.1
        Host: a
        Connection: Upgrade
        Upgrade: websocket
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==


        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Send_Pipelined_AnsweredInOrderEachOnce()
    {
        var edge = await EdgeGuard.SharedAsync(Token);
        var client = ClientAddress.Next();
        var requests = new StringBuilder();
        for (var i = 0; i < 50; i++)
        {
            requests.Append(System.Globalization.CultureInfo.InvariantCulture, $"POST /gateway/{{actor}}/{i} HTTP/1.1\r\nHost: a\r\nContent-Length: {i}\r\n{(i == 49 ? "Connection: close\r\n" : "")}\r\n{new string('x', i)}");
        }

        var bytes = await edge.SendAsync(requests.ToString(), Token, client);

        Assert.True(StrictHttp1.TryReadReplies(bytes, out var replies));
        Assert.Equal(50, replies.Count);
        var seen = edge.SeenFrom(client);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => ($"/{i}", i)), seen.Select(r => (r.Target, r.Body.Length)));
        var numbers = replies.Select(r => int.Parse(Assert.Single(r.Values("x-seen")), System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(numbers.Order(), numbers);
    }

    [Fact]
    public async Task Send_BytesBehindAHandshakeThatIsRefused_AreTheNextRequest()
    {
        // The recording runner answers a handshake 200: the connection stays HTTP, and what follows is read as such, once.
        var edge = await EdgeGuard.SharedAsync(Token);
        var client = ClientAddress.Next();
        var first = Handshake.ReplaceLineEndings("\r\n");

        var bytes = await edge.SendAsync(first + "GET /gateway/{actor}/next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token, client);

        Assert.True(StrictHttp1.TryReadReplies(bytes, out var replies), Encoding.Latin1.GetString(bytes));
        Assert.All(replies, r => Assert.Equal(200, r.Status));
        Assert.Equal(["/socket", "/next"], edge.SeenFrom(client).Select(r => r.Target));
    }

    [Fact]
    public async Task Send_BytesBeforeThe101_ReachTheRunnerOnlyAfterIt()
    {
        await using var edge = await EdgeGuard.StartAsync([], Token);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var after = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var early = new byte[1];
        var sawEarly = false;
        edge.Runner.OnRequest = async (_, _, stream, token) =>
        {
            var read = stream.ReadAsync(early, token).AsTask();
            asked.SetResult();
            await answer.Task.WaitAsync(token);
            sawEarly = read.IsCompleted;
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), token);
            var rest = new byte[8];
            await read;
            await stream.ReadExactlyAsync(rest, token);
            after.SetResult(Encoding.Latin1.GetString([early[0], .. rest]));
            return false;
        };
        await using var stream = await edge.ConnectAsync(Token);

        // A masked text frame, in the same segment as the handshake.
        const string Frame = "\u0081\u0083\u0001\u0002\u0003\u0004abc";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(edge.Fill(Handshake.ReplaceLineEndings("\r\n")) + Frame), Token);
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(2), Token);

        // Another request has gone the whole way through: whatever Guard does with the early bytes, it has had the time to do it.
        using var other = await edge.Process.Client.GetAsync(new Uri("/metadata", UriKind.Relative), Token);
        answer.SetResult();

        Assert.Equal(Frame, await after.Task.WaitAsync(TimeSpan.FromMinutes(2), Token));
        Assert.False(sawEarly);
    }
}
