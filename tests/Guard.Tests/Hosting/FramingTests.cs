using System.Globalization;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Tests.Hosting;

/// <summary>Raw bytes on a gateway listener: what two servers could read in two ways is refused and the connection closed, whether
/// Kestrel does it (empty body) or Guard (with its reason).</summary>
public sealed class FramingTests
{
    private const string Chunks = "0\r\n\r\n";

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunks, "content-length and transfer-encoding together")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + Chunks, "content-length and transfer-encoding together")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + Chunks, "content-length and transfer-encoding together")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n" + Chunks, "exactly 'chunked'")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + Chunks, "exactly 'chunked'")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n" + Chunks, "exactly 'chunked'")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunks, "exactly 'chunked'")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n" + Chunks, null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n" + Chunks, null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n" + Chunks, null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n" + Chunks, null)]
    [InlineData("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunks, "HTTP/1.0")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", null)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\rHost: a\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "anything but 'websocket'")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", "anything but 'websocket'")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: tcp\r\n\r\n", "anything but 'websocket'")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n", "anything but 'websocket'")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", "upgrade with a body")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunks, "upgrade with a body")]
    public async Task Request_AmbiguousFraming_IsRefused400AndTheConnectionClosed(string request, string? detail)
    {
        await using var guard = await TestGuard.StartAsync();

        var reply = await TestGuard.SendRawAsync(guard.Gateway, request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", reply, StringComparison.Ordinal);
        Assert.Equal(2, reply.Split("HTTP/1.1 ").Length);
        Assert.Contains("Connection: close\r\n", reply, StringComparison.OrdinalIgnoreCase);
        if (detail is null)
        {
            Assert.Contains("Content-Length: 0\r\n", reply, StringComparison.Ordinal);
            Assert.EndsWith("\r\n\r\n", reply, StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains("x-rivet-error: guard.invalid_request\r\n", reply, StringComparison.Ordinal);
            Assert.Contains("x-rivet-ray-id: ", reply, StringComparison.Ordinal);
            Assert.Contains(detail.Replace("'", "\\u0027", StringComparison.Ordinal), reply.Replace("'", "\\u0027", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 005\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\ncontent-length:5 \r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello")]
    public async Task Request_PlainFraming_Passes(string request)
    {
        await using var guard = await StartEchoAsync();

        var reply = await TestGuard.SendRawAsync(guard.Gateway, request);

        Assert.StartsWith("HTTP/1.1 200 ", reply, StringComparison.Ordinal);
        Assert.EndsWith("hello", reply, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 11\r\n\r\nhello world")]
    [InlineData("Content-Length: 11\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("Content-Length: 9223372036854775807\r\n\r\n")]
    public async Task Request_AnnouncedBodyTooLarge_IsRefused413BeforeItIsRead(string rest)
    {
        await using var guard = await StartEchoAsync("--Guard:Limits:MaxRequestBodyBytes=10");

        var reply = await TestGuard.SendRawAsync(guard.Gateway, "POST / HTTP/1.1\r\nHost: a\r\n" + rest);

        Assert.StartsWith("HTTP/1.1 413 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.request_body_too_large\r\n", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_ChunksBeyondTheLimit_AreRefused413WhileRead()
    {
        await using var guard = await StartEchoAsync("--Guard:Limits:MaxRequestBodyBytes=10");

        var reply = await TestGuard.SendRawAsync(
            guard.Gateway, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.request_body_too_large\r\n", reply, StringComparison.Ordinal);
    }

    [Theory]
    // The server counts the framing of chunks too.
    [InlineData(40, 20, "200")]
    [InlineData(40, 41, "413")]
    [InlineData(5, 6, "413")]
    public async Task Request_LimitReloaded_FollowsTheNewOne(long limit, int length, string status)
    {
        await using var guard = await StartEchoAsync("--Guard:Limits:MaxRequestBodyBytes=10");
        guard.Get<LiveOptions>().Publish(new GuardOptions { Limits = new() { MaxRequestBodyBytes = limit } });
        var size = length.ToString("x", CultureInfo.InvariantCulture);

        var reply = await TestGuard.SendRawAsync(
            guard.Gateway,
            $"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{new string('x', length)}\r\n0\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_LineOf16KiB_Passes()
    {
        await using var guard = await StartEchoAsync();
        const string Start = "GET /?";
        const string End = " HTTP/1.1\r\n";

        var fits = await SendAsync(new string('a', (16 * 1024) - Start.Length - End.Length));
        var tooLong = await SendAsync(new string('a', 16 * 1024));

        Assert.StartsWith("HTTP/1.1 200 ", fits, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 414 ", tooLong, StringComparison.Ordinal);

        Task<string> SendAsync(string query) => TestGuard.SendRawAsync(guard.Gateway, $"{Start}{query}{End}Host: a\r\nConnection: close\r\n\r\n");
    }

    private static Task<TestGuard> StartEchoAsync(params string[] args)
        => TestGuard.StartAsync(args, async context =>
        {
            var checks = context.RequestServices.GetRequiredService<GatewayRequestChecks>();
            if (checks.Check(context) is { } error)
            {
                await ErrorWriter.WriteAsync(context, error);
                return;
            }

            using var body = new StreamReader(context.Request.Body);
            var text = await body.ReadToEndAsync(context.RequestAborted);
            context.Response.ContentLength = text.Length;
            await context.Response.WriteAsync(text, context.RequestAborted);
        });
}
