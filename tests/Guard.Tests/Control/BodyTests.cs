using System.Net.Sockets;
using System.Text;

namespace Guard.Tests.Control;

/// <summary>Bodies that are wrong below JSON: type, encoding, size, framing.</summary>
public sealed class BodyTests
{
    private const string Body = """{"name":"a","runner_name_selector":"p"}""";

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/jsonx")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    public async Task Post_OtherContentType_IsRefused(string? contentType)
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await PostAsync(server, Encoding.UTF8.GetBytes(Body), contentType);

        Assert.Equal((400, "api.bad_request", "content-type"), (reply.Status, reply.Error, reply.Field));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON; charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    public async Task Post_JsonContentType_IsTaken(string contentType)
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        Assert.Equal(200, (await PostAsync(server, Encoding.UTF8.GetBytes(Body), contentType)).Status);
    }

    [Fact]
    public async Task Post_NotUtf8_IsRefused()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await PostAsync(server, [.. "{\"name\":\""u8, 0xff, .. "\",\"runner_name_selector\":\"p\"}"u8], "application/json");

        Assert.Equal((400, "api.bad_request", null), (reply.Status, reply.Error, reply.Field));
        Assert.Equal("not valid UTF-8", reply.Detail);
    }

    [Fact]
    public async Task Post_ExactlyTheLimit_IsRead()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        Assert.Equal(200, (await PostAsync(server, Padded(1_048_576), "application/json")).Status);
        Assert.Equal(200, (await PostAsync(server, Padded(1_048_576), "application/json", chunked: true)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Post_OverTheLimit_IsTooLarge(bool chunked)
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var before = await server.DumpAsync();

        var reply = await PostAsync(server, Padded(1_048_577), "application/json", chunked);

        Assert.Equal((413, "guard.request_body_too_large"), (reply.Status, reply.Error));
        Assert.Equal(before, await server.DumpAsync());
    }

    [Fact]
    public async Task Post_EndsBeforeItsLength_ChangesNothing()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var before = await server.DumpAsync();

        // Kestrel takes a client that stops sending in the middle for gone and resets: there is nobody to answer.
        Assert.Equal("", await RawAsync(server, $"content-length: 100\r\n\r\n{Body}", ends: true));

        Assert.Equal(before, await server.DumpAsync());
    }

    [Fact]
    public async Task Post_BrokenChunks_IsRefused()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var before = await server.DumpAsync();

        var reply = await RawAsync(server, $"transfer-encoding: chunked\r\n\r\nzz\r\n{Body}\r\n0\r\n\r\n", ends: false);

        Assert.StartsWith("HTTP/1.1 400 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: api.bad_request", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, await server.DumpAsync());
    }

    [Fact]
    public async Task Post_NoBody_SaysSo()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var none = await server.SendAsync("POST", "/actors?namespace=n");
        var empty = await PostAsync(server, [], "application/json", chunked: true);

        Assert.Contains("empty", none.Detail, StringComparison.Ordinal);
        Assert.Contains("empty", empty.Detail, StringComparison.Ordinal);
    }

    private static byte[] Padded(int length) => [.. Encoding.UTF8.GetBytes(Body), .. Enumerable.Repeat((byte)' ', length - Body.Length)];

    private static async Task<ControlReply> PostAsync(ControlServer server, byte[] body, string? contentType, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/actors?namespace=n") { Content = new ByteArrayContent(body) };
        request.Headers.TransferEncodingChunked = chunked;
        request.Content.Headers.Remove("content-type");
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        }

        return await server.SendAsync(request);
    }

    /// <summary>Sends a request, perhaps the end of the stream, and reads until the server closes or resets.</summary>
    private static async Task<string> RawAsync(ControlServer server, string rest, bool ends)
    {
        var cancelled = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Client.BaseAddress!.Port, cancelled);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /actors?namespace=n HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{rest}"), cancelled);
        if (ends)
        {
            client.Client.Shutdown(SocketShutdown.Send);
        }

        using var reader = new StreamReader(stream);
        try
        {
            return await reader.ReadToEndAsync(cancelled).WaitAsync(TimeSpan.FromMinutes(1), cancelled);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
