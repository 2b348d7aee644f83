using System.Net;
using System.Net.WebSockets;
using Guard.Core.Transport;
using Guard.Model.Runners;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Forwarding;

/// <summary>WebSockets and server-sent events.</summary>
public sealed class StreamTests
{
    private const string Handshake =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    private const string Switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    /// <summary>An activity timeout: short, but longer than a busy machine takes to answer.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1.5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task WebSocket_LargeMessages_Echoed(bool http2Client, bool h2cRunner)
    {
        await using var runner = await KestrelRunner.StartAsync(h2cRunner, EchoAsync);
        await using var gateway = await ForwardingGateway.StartAsync(
            runner.Endpoint, protocol: h2cRunner ? RunnerProtocol.H2c : RunnerProtocol.Http1);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("chat");
        socket.Options.HttpVersion = http2Client ? HttpVersion.Version20 : HttpVersion.Version11;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        var address = http2Client ? gateway.Http2 : gateway.Http1;

        await socket.ConnectAsync(new Uri($"ws://{address.Authority}/ws"), invoker, Token).WaitAsync(Bound, Token);
        Assert.Equal("chat", socket.SubProtocol);
        Assert.Equal(1, gateway.Metrics.WebSockets.Value);
        var message = new byte[1024 * 1024];
        Random.Shared.NextBytes(message);
        for (var i = 0; i < 3; i++)
        {
            var sending = socket.SendAsync(message, WebSocketMessageType.Binary, true, Token);
            Assert.Equal(message, await ReceiveAsync(socket));
            await sending.WaitAsync(Bound, Token);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", Token).WaitAsync(Bound, Token);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(0, gateway.Metrics.WebSockets.Value);
    }

    [Fact]
    public async Task WebSocket_IdleForLongerThanActivityTimeout_NotCut()
    {
        await using var runner = new RawRunner(async (connection, request) =>
        {
            if (request.Has("upgrade"))
            {
                await connection.SendAsync(Switching + "\r\n");
                await connection.SendAsync(await connection.ReadAsync(5));
            }

            await connection.WaitForEndAsync(); // an ordinary request is never answered
        });
        var time = new FakeTimeProvider();
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, o => o.Forwarding.ActivityTimeout = Silence, time: time);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync(Handshake + "\r\n");
        await client.ReadUntilAsync("\r\n\r\n");

        // The forwarder's limit runs on real time: a request that runs into it is the clock.
        time.Advance(TimeSpan.FromHours(1));
        using var http = gateway.Client();
        using var reply = await http.GetAsync("/silent", Token);
        Assert.Equal(HttpStatusCode.GatewayTimeout, reply.StatusCode);

        await client.SendAsync("hello");
        Assert.Equal("hello", await client.ReadUntilAsync("hello"));
    }

    [Fact]
    public async Task WebSocket_RunnerDoesNotAnswer_RequestTimeoutNamesHandshake()
    {
        var time = new FakeTimeProvider();
        await using var runner = new RawRunner((connection, _) => connection.WaitForEndAsync());
        await using var gateway = await ForwardingGateway.StartAsync(
            runner.Endpoint, o => o.Forwarding.HandshakeTimeout = TimeSpan.FromSeconds(15), time: time);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync(Handshake + "\r\n");
        await runner.NextAsync(Token);
        time.Advance(TimeSpan.FromSeconds(15));
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 504 ", reply, StringComparison.Ordinal);
        Assert.Contains("guard.request_timeout handshake", reply, StringComparison.Ordinal);
        Assert.Single(runner.Requests);
    }

    [Fact]
    public async Task Connect_RunnerDoesNotAccept_NotReachedAfterConnectTimeout()
    {
        // A backlog that is full swallows connection attempts.
        using var listener = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var endPoint = (IPEndPoint)listener.LocalEndPoint!;
        var fillers = Enumerable.Range(0, 4).Select(_ => new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp)).ToList();
        _ = fillers.Select(f => f.ConnectAsync(endPoint, Token).AsTask()).ToList();
        await using var gateway = await ForwardingGateway.StartAsync(
            $"http://127.0.0.1:{endPoint.Port}", o => o.Forwarding.ConnectTimeout = TimeSpan.FromMilliseconds(200));
        using var client = gateway.Client();

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(new ForwardOutcome(ForwardStatus.NotReached, null, "connect timeout"), await gateway.OutcomeAsync());
        fillers.ForEach(f => f.Dispose());
    }

    [Theory]
    [InlineData("Sec-WebSocket-Protocol: rivet, rivet_actor.x\r\n", "", "rivet")]
    [InlineData("Sec-WebSocket-Protocol: chat, rivet\r\n", "Sec-WebSocket-Protocol: chat\r\n", "chat")]
    [InlineData("Sec-WebSocket-Protocol: chat\r\n", "", null)]
    [InlineData("", "", null)]
    public async Task WebSocket_Subprotocol_RivetAddedWhereNoneIsNamed(string offer, string named, string? expected)
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + named + "\r\n");
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync(Handshake + offer + "\r\n");
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 101 ", reply, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("x-rivet-ray-id: ray0\r\n", reply, StringComparison.OrdinalIgnoreCase);
        if (expected is null)
        {
            Assert.DoesNotContain("Sec-WebSocket-Protocol", reply, StringComparison.OrdinalIgnoreCase);
        }
        else
        {
            Assert.Contains($"Sec-WebSocket-Protocol: {expected}\r\n", reply, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task WebSocket_RunnerRefuses_ReplyPasses()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nx-why: because\r\n\r\nno");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync(Handshake + "\r\n");
        var reply = await client.ReadUntilAsync("no");

        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", reply, StringComparison.Ordinal);
        Assert.Contains("x-why: because", reply, StringComparison.Ordinal);
        Assert.Equal(0, gateway.Metrics.WebSockets.Value);
    }

    [Fact]
    public async Task WebSocket_RunnerEnds_ClientGetsAllAndEnd()
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + "\r\n");
            await connection.ReadAsync(5);
            await connection.SendAsync("farewell");
            connection.Close();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync(Handshake + "\r\n");
        await client.ReadUntilAsync("\r\n\r\n");

        await client.SendAsync("hello");
        var (rest, reset) = await client.ReadToEndAsync();

        Assert.Equal("farewell", rest);
        Assert.False(reset);
    }

    [Fact]
    public async Task WebSocket_ClientLeaves_RunnerConnectionEnds()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + "\r\n");
            await connection.WaitForEndAsync();
            ended.SetResult();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using (var client = await gateway.ConnectAsync())
        {
            await client.SendAsync(Handshake + "\r\n");
            await client.ReadUntilAsync("\r\n\r\n");
        }

        await ended.Task.WaitAsync(Bound, Token);
        Assert.Equal(ForwardStatus.ClientGone, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(0, gateway.Metrics.WebSockets.Value);
    }

    [Theory]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c\r\n", UpgradeKind.Other)]
    [InlineData("Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n", UpgradeKind.Other)]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", UpgradeKind.Other)]
    [InlineData("Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n", UpgradeKind.WebSocket)]
    [InlineData("Upgrade: websocket\r\n", UpgradeKind.None)]
    [InlineData("Connection: Upgrade\r\n", UpgradeKind.None)]
    public async Task UpgradeRules_Of_AsTheRequestAsks(string headers, object expected)
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        UpgradeKind? seen = null;
        gateway.Before = context => seen = UpgradeRules.Of(context);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        await client.ReadUntilAsync("\r\n\r\n");

        Assert.Equal(expected, seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EventStream_EachEventFlushedAndSilenceUnlimited(bool http2Client)
    {
        var next = new SemaphoreSlim(0);
        await using var runner = new RawRunner(async (connection, request) =>
        {
            if (request.RequestLine.Contains("/silent", StringComparison.Ordinal))
            {
                await connection.WaitForEndAsync();
                return;
            }

            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (var i = 0; i < 3; i++)
            {
                await next.WaitAsync(Bound, connection.Stopped);
                await connection.SendAsync("9\r\ndata: " + i + "\n\n\r\n");
            }

            await next.WaitAsync(Bound, connection.Stopped);
            await connection.SendAsync("0\r\n\r\n");
        });
        await using var gateway = await ForwardingGateway.StartAsync(
            runner.Endpoint, o => o.Forwarding.ActivityTimeout = Silence);
        using var client = gateway.Client(http2Client);

        // Headers come before the first event.
        using var reply = await client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await reply.Content.ReadAsStreamAsync(Token);
        using (var silent = await client.GetAsync("/silent", Token))
        {
            Assert.Equal(HttpStatusCode.GatewayTimeout, silent.StatusCode);
        }

        var buffer = new byte[100];
        for (var i = 0; i < 3; i++)
        {
            next.Release();
            var count = await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(Bound, Token);
            Assert.Equal($"data: {i}\n\n", System.Text.Encoding.ASCII.GetString(buffer, 0, count));
        }

        next.Release();
        Assert.Equal(0, await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(Bound, Token));
    }

    [Fact]
    public async Task EventStream_ClientLeaves_RunnerConnectionEnds()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 0\n\n");
            await connection.WaitForEndAsync();
            ended.SetResult();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using (var client = await gateway.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            await client.ReadUntilAsync("data: 0");
        }

        await ended.Task.WaitAsync(Bound, Token);
        Assert.Equal(ForwardStatus.ClientGone, (await gateway.OutcomeAsync()).Status);
    }

    [Fact]
    public async Task Response_SilentForLongerThanActivityTimeout_Aborted()
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(
            runner.Endpoint, o => o.Forwarding.ActivityTimeout = Silence);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadUntilAsync("half");
        var (rest, _) = await client.ReadToEndAsync();

        Assert.Equal("", rest);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault());
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Token).AsTask().WaitAsync(Bound, Token);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }
}
