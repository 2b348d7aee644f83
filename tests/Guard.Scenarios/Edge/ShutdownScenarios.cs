using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Guard.Scenarios.Edge.Http2;
using Guard.Scenarios.Edge.Wire;
using Guard.TestSupport;

namespace Guard.Scenarios.Edge;

/// <summary>What raw clients of the real binary see from SIGTERM to its exit (docs/shutdown.md).</summary>
public sealed class ShutdownScenarios(ITestOutputHelper output)
{
    private const string Handshake =
        "GET /gateway/{actor}/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /// <summary>A drain that has not ended by itself when the test gives up: longer than that.</summary>
    private const string Endless = "01:00:00";

    private static readonly byte[] ClientClose = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9];

    private static readonly int RedirectPort = FreePort.Next();

    /// <summary>One that has got SIGTERM and still accepts; ends with the test process.</summary>
    private static readonly Lazy<Task<EdgeGuard>> GoingDown = new(static async () =>
    {
        var edge = await EdgeGuard.StartAsync(
            [
                ("Guard:Shutdown:Delay", "01:00:00"),
                ("Kestrel:Endpoints:Plain:Url", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{RedirectPort}")),
                ("Guard:Tls:RedirectEndpoints:0", "Plain"),
            ],
            CancellationToken.None);
        _ = edge.Process.TerminateAsync(CancellationToken.None);
        await edge.Process.WaitForOutputAsync("still accepting", CancellationToken.None);
        return edge;
    });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Held_WhenTheDrainEnds_503WithRetryAfterOnHttp11AndHttp2()
    {
        await using var edge = await StartAsync("00:00:04");
        edge.Guard.Runner.OnCall = static (_, token) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        var sleeping = await edge.Guard.Process.Control.CreateActorAsync("default", Token, key: "sleeping");
        await using var connection = await edge.ConnectAsync(tls: false, Token);
        await connection.WriteAsync(H2Connection.Headers(1, true, edge.Get($"/gateway/{sleeping}/x")), Token);
        var plain = edge.Guard.SendAsync($"GET /gateway/{sleeping}/x HTTP/1.1\r\nHost: a\r\n\r\n", Token);
        var socket = edge.Guard.SendAsync(Handshake.Replace("{actor}", sleeping, StringComparison.Ordinal), Token);
        await HeldAsync(edge, 3);

        var ended = EndAsync(edge);
        var answer = await connection.ReadUntilAsync(f => f is { Type: H2Frame.Headers, Stream: 1 }, Token);
        var fields = Encoding.Latin1.GetString(answer!.Payload);
        var body = await connection.ReadUntilAsync(f => f is { Type: H2Frame.Data, Stream: 1, Payload.Length: > 0 }, Token);
        var reply = Encoding.Latin1.GetString(await plain);

        Assert.Equal(503, answer.Status);
        Assert.Contains("guard.service_unavailable", fields, StringComparison.Ordinal);
        Assert.Contains("\"retry_after_ms\":", Encoding.Latin1.GetString(body!.Payload), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.service_unavailable\r\n", reply, StringComparison.Ordinal);
        Assert.Matches("\r\nRetry-After: [1-9][0-9]*\r\n", reply);
        Assert.Contains("\r\nConnection: close\r\n", reply, StringComparison.Ordinal);
        Assert.EndsWith("}", reply, StringComparison.Ordinal);

        // A handshake that waits is answered in its own words: 101, and a close 1011 that says why.
        Assert.Contains("\u0003\u00F3guard.service_unavailable#", Encoding.Latin1.GetString(await socket), StringComparison.Ordinal);
        await EndsAsync(ended);
    }

    [Fact]
    public async Task Http2_AtTheDrain_GoAwayAndStreamsUnderWayAreAnswered()
    {
        await using var edge = await StartAsync(Endless);
        var (arrived, release) = HoldRunner(edge);
        await using var idle = await edge.ConnectAsync(tls: false, Token);
        await idle.WriteAsync(H2Connection.Headers(1, true, edge.Get("/gateway/{actor}/x")), Token);
        Assert.Equal(200, await idle.AnswerAsync(1, Token));
        await using var busy = await edge.ConnectAsync(tls: true, Token);
        await busy.WriteAsync(H2Connection.Headers(1, true, [.. edge.Get("/gateway/{actor}/wait").Select(f => f.Name == ":scheme" ? (f.Name, "https") : f)]), Token);
        await arrived.Task.WaitAsync(Token);

        var ended = EndAsync(edge);
        Assert.NotNull(await idle.ReadUntilAsync(f => f.Type == H2Frame.GoAway, Token));
        Assert.Null(await idle.ReadUntilAsync(_ => false, Token));
        Assert.NotNull(await busy.ReadUntilAsync(f => f is { Type: H2Frame.GoAway, Error: var last } && (last & int.MaxValue) >= 1, Token));
        Assert.False(ended.IsCompleted);
        release.SetResult();
        var answer = await busy.ReadUntilAsync(f => f is { Type: H2Frame.Headers or H2Frame.Reset, Stream: 1 }, Token);

        Assert.Equal((H2Frame.Headers, 200), (answer!.Type, answer.Status));
        Assert.Null(await busy.ReadUntilAsync(f => f.Type == H2Frame.Reset, Token));

        // Nothing is left: the window is not waited for.
        await EndsAsync(ended);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Http2WebSocket_AtTheDrain_Closed1001(bool tls)
    {
        await using var edge = await StartAsync(Endless);
        var closed = AnswerHandshakes(edge);
        await using var connection = await edge.ConnectAsync(tls, Token);
        await connection.WriteAsync(
            H2Connection.Headers(1, false, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", tls ? "https" : "http"), (":authority", "a"), (":path", edge.Guard.Fill("/gateway/{actor}/socket")), ("sec-websocket-version", "13")), Token);
        Assert.Equal(200, await connection.AnswerAsync(1, Token));

        var ended = EndAsync(edge);
        var close = await connection.ReadUntilAsync(f => f is { Type: H2Frame.Data, Stream: 1, Payload.Length: > 0 }, Token);
        await connection.WriteAsync(H2Connection.Frame(H2Frame.Data, H2Frame.EndStream, 1, ClientClose), Token);
        var end = await connection.ReadUntilAsync(f => f.Stream == 1 && (f.Type == H2Frame.Reset || (f.Flags & H2Frame.EndStream) != 0), Token);

        Assert.Equal([0x88, 0x02, 0x03, 0xE9], close!.Payload);
        Assert.Equal(H2Frame.Data, end!.Type);
        Assert.Equal(1001, await closed.Task.WaitAsync(TimeSpan.FromMinutes(1), Token));
        await EndsAsync(ended);
    }

    [Theory]
    [InlineData("/big")]
    [InlineData("/socket")]
    public async Task Client_ThatReadsNothing_DoesNotKeepGuardBeyondTheDrain(string path)
    {
        await using var edge = await StartAsync("00:00:04");
        var flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Guard.Runner.OnRequest = async (request, _, stream, token) =>
        {
            var isSocket = request.Target == "/socket";
            if (isSocket)
            {
                await RecordingRunner.SwitchAsync(request, stream, token);
            }

            // One endless body; one WebSocket frame of which the end never comes.
            var head = isSocket ? [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0] : "HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n"u8.ToArray();
            await stream.WriteAsync(head, token);
            for (var i = 0; i < 500; i++)
            {
                await stream.WriteAsync(new byte[1_000_000], token);
                flowing.TrySetResult();
            }

            return false;
        };
        await using var client = await edge.Guard.ConnectAsync(Token);
        var request = path == "/big" ? "GET /gateway/{actor}/big HTTP/1.1\r\nHost: a\r\n\r\n" : Handshake;
        await client.WriteAsync(Encoding.Latin1.GetBytes(edge.Guard.Fill(request)), Token);
        await flowing.Task.WaitAsync(Token);

        await EndsAsync(EndAsync(edge));
    }

    /// <summary>Whoever else closes the connection after a reply, or says something of it, the word is there once.</summary>
    [Theory]
    [InlineData("GET /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "close")]
    [InlineData("GET /gateway/{actor}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "close")]
    [InlineData("GET /gateway/{actor}/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 200, "close")]
    [InlineData("PROPFIND /gateway/{actor}/x HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "close")]
    [InlineData("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404, "close")]
    [InlineData("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n\r\n", 426, "Upgrade, close")]
    [InlineData("redirect", 307, "close")]
    public async Task Reply_DuringTheDelay_ConnectionCloseOnce(string request, int status, string connection)
    {
        var edge = await GoingDown.Value.WaitAsync(Token);
        var isRedirect = request == "redirect";
        if (isRedirect)
        {
            request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
        }

        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", isRedirect ? RedirectPort : edge.Process.Gateway.Port, Token);
        await socket.GetStream().WriteAsync(Encoding.Latin1.GetBytes(edge.Fill(request)), Token);
        var reply = await EdgeGuard.ReadToEndAsync(socket.GetStream(), Token);

        Assert.True(StrictHttp1.TryReadReplies(reply, out var replies));
        var only = Assert.Single(replies);
        Assert.Equal(status, only.Status);
        Assert.Equal([connection], only.Values("connection"));
    }

    /// <summary>Most of the window is for closing: 200 take 67 rounds of 50 ms of a window of 6 s, which ends at 4.2 s.</summary>
    [Fact]
    public async Task WebSockets_TwoHundred_ClosedOneAfterTheOther()
    {
        await using var edge = await StartAsync("00:00:06");
        AnswerHandshakes(edge);
        var clients = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            var client = await edge.Guard.ConnectAsync(Token);
            await client.WriteAsync(Encoding.Latin1.GetBytes(edge.Guard.Fill(Handshake)), Token);
            await SkipHeadAsync(client);
            return client;
        }));
        Assert.Equal(200, await edge.Guard.Process.MetricAsync("guard_websockets", Token));

        var closings = clients.Select(ClosedAsync).ToArray();
        var ended = EndAsync(edge);
        var at = (await Task.WhenAll(closings)).Order().ToArray();
        await EndsAsync(ended);

        // Each got its close frame and answered it, so none was cut at the end of the window.
        var spread = TimeProvider.System.GetElapsedTime(at[0], at[^1]);
        output.WriteLine($"200 WebSockets closed within {spread.TotalSeconds:0.0} s");
        Assert.True(spread.TotalSeconds > 2, $"{spread} is all at once");
    }

    private static async Task<long> ClosedAsync(NetworkStream client)
    {
        await using (client)
        {
            var frame = new byte[4];
            await client.ReadExactlyAsync(frame, Token);
            var at = TimeProvider.System.GetTimestamp();
            Assert.Equal([0x88, 0x02, 0x03, 0xE9], frame);
            await client.WriteAsync(ClientClose, Token);
            Assert.Empty(await EdgeGuard.ReadToEndAsync(client, Token));
            return at;
        }
    }

    private static async Task SkipHeadAsync(NetworkStream client)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await client.ReadExactlyAsync(one, Token);
            head.Append((char)one[0]);
        }

        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);
    }

    private static Task<Http2Edge> StartAsync(string drainTimeout) => Http2Edge.StartAsync(
        Token, ("Guard:Shutdown:DrainTimeout", drainTimeout), ("Guard:Runners:StartTimeout", "00:05:00"), ("Guard:Readiness:Timeout", "00:05:00"));

    /// <summary>A runner that answers <c>/wait</c> when it is released.</summary>
    private static (TaskCompletionSource Arrived, TaskCompletionSource Release) HoldRunner(Http2Edge edge)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Guard.Runner.OnRequest = async (request, number, stream, token) =>
        {
            if (request.Target == "/wait")
            {
                arrived.TrySetResult();
                await release.Task.WaitAsync(token);
            }

            return await RecordingRunner.ReplyAsync(request, number, stream, token);
        };
        return (arrived, release);
    }

    /// <summary>A runner that accepts WebSockets and answers a close frame with its own.</summary>
    /// <returns>The code of the first close frame it got.</returns>
    private static TaskCompletionSource<int> AnswerHandshakes(Http2Edge edge)
    {
        var closed = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Guard.Runner.OnRequest = async (request, _, stream, token) =>
        {
            await RecordingRunner.SwitchAsync(request, stream, token);
            var frame = new byte[8];
            await stream.ReadExactlyAsync(frame, token);
            Assert.Equal((0x88, 0x82), (frame[0], frame[1]));
            closed.TrySetResult(((frame[6] ^ frame[2]) << 8) | (frame[7] ^ frame[3]));
            await stream.WriteAsync(new byte[] { 0x88, 0x02, 0x03, 0xE9 }, token);
            return false;
        };
        return closed;
    }

    private static async Task HeldAsync(Http2Edge edge, int count)
    {
        while (await edge.Guard.Process.MetricAsync("guard_held_requests", Token) < count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
        }
    }

    /// <summary>SIGTERM; how it ended.</summary>
    private static Task<int> EndAsync(Http2Edge edge) => edge.Guard.Process.TerminateAsync(Token);

    private static async Task EndsAsync(Task<int> ended) => Assert.Equal(0, await ended);
}
