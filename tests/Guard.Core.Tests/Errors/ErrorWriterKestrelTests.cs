using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Guard.Core.Errors;
using Guard.Core.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Errors;

/// <summary>Errors over a real server: framing, HEAD, closing, and WebSockets on HTTP/1.1 and HTTP/2.</summary>
public sealed class ErrorWriterKestrelTests : IAsyncLifetime
{
    private const string Ray = "ray-0123456789";
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication? _app;
    private Uri _http1 = null!;
    private Uri _http2 = null!;
    private GuardError _error = GuardErrors.ServiceUnavailable("a1", TimeSpan.FromSeconds(30));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton(new LiveOptions(new GuardOptions()));
        builder.Services.AddSingleton<TimeProvider>(_time);
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(async context =>
        {
            context.TraceIdentifier = Ray;
            await ErrorWriter.WriteAsync(context, _error);
            _written.TrySetResult();
        });
        await _app.StartAsync(Cancelled);
        var urls = _app.Urls.ToList();
        _http1 = new Uri(urls[0]);
        _http2 = new Uri(urls[1]);
    }

    public async ValueTask DisposeAsync() => await _app!.DisposeAsync();

    [Fact]
    public async Task Get_Error_HasContentLengthAndKeepsTheConnection()
    {
        using var client = await ConnectAsync();
        for (var i = 0; i < 2; i++)
        {
            var (head, body) = await client.ExchangeAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

            Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
            Assert.Contains($"Content-Length: {body.Length}\r\n", head, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("transfer-encoding", head, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("x-rivet-error: guard.service_unavailable\r\n", head, StringComparison.OrdinalIgnoreCase);
            Assert.Contains($"x-rivet-ray-id: {Ray}\r\n", head, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("\"waited_ms\":30000", body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Head_Error_HasNoBodyAndKeepsTheConnection()
    {
        using var client = await ConnectAsync();
        await client.SendAsync("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");

        var head = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.service_unavailable\r\n", head, StringComparison.OrdinalIgnoreCase);

        // The very next bytes are the second reply.
        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_CloseConnection_ClosesAfterTheBody()
    {
        _error = GuardErrors.InvalidFraming("both");
        using var client = await ConnectAsync();

        var (head, body) = await client.ExchangeAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
        Assert.Contains("connection: close\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\"invalid_request\"", body, StringComparison.Ordinal);
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task WebSocket_OffersRivet_IsAcceptedAndClosedWithTheReason()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("other");
        socket.Options.AddSubProtocol("rivet");
        socket.Options.CollectHttpResponseDetails = true;

        await socket.ConnectAsync(WebSocketUri(_http1), Cancelled).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.Equal("rivet", socket.SubProtocol);
        Assert.Equal(["guard.service_unavailable"], socket.HttpResponseHeaders!["x-rivet-error"]);
        Assert.Equal([Ray], socket.HttpResponseHeaders!["x-rivet-ray-id"]);
        await AssertClosedAsync(socket);
    }

    [Fact]
    public async Task WebSocket_OffersNothing_IsAcceptedWithoutSubprotocol()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(WebSocketUri(_http1), Cancelled).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.Null(socket.SubProtocol);
        await AssertClosedAsync(socket);
    }

    [Fact]
    public async Task WebSocket_OverHttp2_IsAcceptedAndClosedWithTheReason()
    {
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.AddSubProtocol("rivet");
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());

        await socket.ConnectAsync(WebSocketUri(_http2), invoker, Cancelled).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);

        Assert.Equal("rivet", socket.SubProtocol);
        await AssertClosedAsync(socket);
    }

    [Fact]
    public async Task WebSocket_ClientNeverCloses_IsCutAfterAFewSeconds()
    {
        using var client = await ConnectAsync();
        await client.SendAsync(Handshake());
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        var close = await client.ReadBytesAsync(2);
        Assert.Equal(0x88, close[0]);
        await client.ReadBytesAsync(close[1]);
        Assert.False(_written.Task.IsCompleted);

        // The server may still be on its way from sending the close to waiting for the answer.
        for (var i = 0; i < 10_000 && !_written.Task.IsCompleted; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(3));
            await Task.Yield();
        }

        await _written.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task WebSocket_ClientVanishes_EndsQuietly()
    {
        using (var client = await ConnectAsync())
        {
            await client.SendAsync(Handshake());
            await client.ReadHeadAsync();
        }

        await _written.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
    }

    [Theory]
    [InlineData("Sec-WebSocket-Version: 13\r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")]
    public async Task WebSocket_InvalidKey_IsPlain400(string headers)
    {
        using var client = await ConnectAsync();

        var (head, body) = await client.ExchangeAsync($"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{headers}\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.invalid_header\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("sec-websocket-key", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Sec-WebSocket-Version: 8\r\n")]
    [InlineData("Sec-WebSocket-Version: 13, 8\r\n")]
    public async Task WebSocket_OtherVersion_Is426NamingOurs(string version)
    {
        using var client = await ConnectAsync();

        var (head, _) = await client.ExchangeAsync(
            $"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{version}\r\n");

        Assert.StartsWith("HTTP/1.1 426 ", head, StringComparison.Ordinal);
        Assert.Contains("sec-websocket-version: 13\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("upgrade: websocket\r\n", head, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("POST", "websocket")]
    [InlineData("GET", "h2c")]
    [InlineData("GET", "websocket, h2c")]
    public async Task Upgrade_ThatIsNoHandshake_GetsTheErrorItself(string method, string upgrade)
    {
        using var client = await ConnectAsync();

        var (head, _) = await client.ExchangeAsync(
            $"{method} / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\nContent-Length: 0\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WebSocket_FramingNotTrusted_IsPlainAndClosed()
    {
        _error = GuardErrors.InvalidFraming("an upgrade with a body");
        using var client = await ConnectAsync();

        var (head, _) = await client.ExchangeAsync(Handshake());

        Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
        Assert.True(await client.IsClosedAsync());
    }

    private static string Handshake()
        => "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    private static Uri WebSocketUri(Uri http) => new UriBuilder(http) { Scheme = "ws" }.Uri;

    private static async Task AssertClosedAsync(ClientWebSocket socket)
    {
        var message = await socket.ReceiveAsync(new byte[16].AsMemory(), Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
        Assert.Equal(WebSocketMessageType.Close, message.MessageType);
        Assert.Equal(1011, (int)socket.CloseStatus!);
        Assert.Equal($"guard.service_unavailable#{Ray}", socket.CloseStatusDescription);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancelled).WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
    }

    private async Task<RawClient> ConnectAsync() => await RawClient.ConnectAsync(_http1.Port);

    /// <summary>A client that sends exactly the bytes it is given.</summary>
    private sealed class RawClient(TcpClient tcp) : IDisposable
    {
        private readonly NetworkStream _stream = tcp.GetStream();

        public static async Task<RawClient> ConnectAsync(int port)
        {
            var tcp = new TcpClient();
            await tcp.ConnectAsync(IPAddress.Loopback, port, Cancelled);
            return new RawClient(tcp);
        }

        public async Task SendAsync(string text) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(text), Cancelled);

        public async Task<(string Head, string Body)> ExchangeAsync(string request)
        {
            await SendAsync(request);
            var head = await ReadHeadAsync();
            var length = head.Split("\r\n")
                .Where(line => line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
                .Select(line => int.Parse(line["content-length:".Length..], System.Globalization.CultureInfo.InvariantCulture))
                .Single();
            return (head, Encoding.UTF8.GetString(await ReadBytesAsync(length)));
        }

        public async Task<string> ReadHeadAsync()
        {
            var head = new StringBuilder();
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                head.Append((char)(await ReadBytesAsync(1))[0]);
            }

            return head.ToString();
        }

        public async Task<byte[]> ReadBytesAsync(int count)
        {
            var bytes = new byte[count];
            await _stream.ReadExactlyAsync(bytes, Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
            return bytes;
        }

        public async Task<bool> IsClosedAsync()
        {
            try
            {
                return await _stream.ReadAsync(new byte[1], Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancelled) == 0;
            }
            catch (IOException)
            {
                return true;
            }
        }

        public void Dispose() => tcp.Dispose();
    }
}
