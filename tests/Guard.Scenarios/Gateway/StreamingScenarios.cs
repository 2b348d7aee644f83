using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Guard.Scenarios.Support;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Gateway;

/// <summary>Large and long exchanges through the real binary.</summary>
public sealed class StreamingScenarios(ITestOutputHelper output)
{
    private const long GiB = 1L << 30;
    private const long MiB = 1L << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_OneGiB_StreamsInFlatMemory()
    {
        await using var guard = await StartAsync(("Guard:Limits:MaxRequestBodyBytes", "2147483648"));
        await using var runner = await RunnerAsync(guard);
        runner.OnRequest = async context =>
        {
            var (length, hash) = await ConsumeAsync(context.Request.Body);
            await context.Response.WriteAsync($"{length} {hash}", context.RequestAborted);
        };
        var actor = await ReadyAsync(guard);
        var before = guard.ResidentBytes;

        using var content = new StreamContent(new PatternStream(GiB));
        content.Headers.ContentLength = GiB;
        using var response = await guard.Client.PostAsync(new Uri($"/gateway/{actor}/up", UriKind.Relative), content, Token);
        var answer = await response.Content.ReadAsStringAsync(Token);

        var growth = (guard.PeakResidentBytes - before) / MiB;
        output.WriteLine($"1 GiB up: {growth} MiB growth");
        var (expectedLength, expectedHash) = await ConsumeAsync(new PatternStream(GiB));
        Assert.Equal($"{expectedLength} {expectedHash}", answer);
        Assert.InRange(growth, -1024, 64);
    }

    [Fact]
    public async Task Download_OneGiB_StreamsInFlatMemory()
    {
        await using var guard = await StartAsync();
        await using var runner = await RunnerAsync(guard);
        runner.OnRequest = async context =>
        {
            context.Response.ContentLength = GiB;
            await new PatternStream(GiB).CopyToAsync(context.Response.Body, context.RequestAborted);
        };
        var actor = await ReadyAsync(guard);
        var before = guard.ResidentBytes;

        using var response = await guard.Client.GetAsync(
            new Uri($"/gateway/{actor}/down", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Token);
        var got = await ConsumeAsync(await response.Content.ReadAsStreamAsync(Token));

        var growth = (guard.PeakResidentBytes - before) / MiB;
        output.WriteLine($"1 GiB down: {growth} MiB growth");
        Assert.Equal(await ConsumeAsync(new PatternStream(GiB)), got);
        Assert.InRange(growth, -1024, 64);
    }

    [Fact]
    public async Task WebSocket_IdleLongerThanActivityTimeout_EchoesMegabytes()
    {
        await using var guard = await StartAsync(("Guard:Forwarding:ActivityTimeout", "00:00:01"));
        await using var runner = await RunnerAsync(guard);
        runner.OnRequest = EchoAsync;
        var actor = await ReadyAsync(guard);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("rivet");
        await socket.ConnectAsync(new Uri($"ws://{guard.Gateway.Authority}/gateway/{actor}/ws"), Token);

        // Idle for longer than the activity timeout of everything that is not upgraded.
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, Token);
        var message = RandomNumberGenerator.GetBytes((int)MiB);
        for (var i = 0; i < 8; i++)
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, true, Token);
            Assert.Equal(message, await ReceiveAsync(socket));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", Token);
        Assert.Equal("rivet", socket.SubProtocol);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task EventStream_EachEventIsFlushedAndSilenceIsNoTimeout()
    {
        await using var guard = await StartAsync(("Guard:Forwarding:ActivityTimeout", "00:00:01"));
        await using var runner = await RunnerAsync(guard);
        var next = new SemaphoreSlim(0);
        runner.OnRequest = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 5; i++)
            {
                await context.Response.WriteAsync($"data: {i}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await next.WaitAsync(context.RequestAborted);
            }
        };
        var actor = await ReadyAsync(guard);
        using var response = await guard.Client.GetAsync(
            new Uri($"/gateway/{actor}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));

        for (var i = 0; i < 5; i++)
        {
            // The runner writes the next event only after this one was read here: nothing may be held back.
            Assert.Equal($"data: {i}", await reader.ReadLineAsync(Token));
            Assert.Equal("", await reader.ReadLineAsync(Token));
            if (i == 2)
            {
                await Task.Delay(TimeSpan.FromSeconds(2.5), TimeProvider.System, Token);
            }

            next.Release();
        }

        Assert.Null(await reader.ReadLineAsync(Token));
    }

    [Fact]
    public async Task Upload_ThatPauses_IsNotCutByTheServersDataRate()
    {
        await using var guard = await StartAsync();
        await using var runner = await RunnerAsync(guard);
        runner.OnRequest = async context =>
        {
            var (length, _) = await ConsumeAsync(context.Request.Body);
            await context.Response.WriteAsync($"{length}", context.RequestAborted);
        };
        var actor = await ReadyAsync(guard);
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(guard.Gateway.Host, guard.Gateway.Port, Token);
        await using var stream = client.GetStream();

        // 6 bytes in 8 s: below the server's default rate once its grace of 5 s is over.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /gateway/{actor}/up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc"), Token);
        await Task.Delay(TimeSpan.FromSeconds(8), TimeProvider.System, Token);
        await stream.WriteAsync("def"u8.ToArray(), Token);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var reply = await reader.ReadToEndAsync(Token);

        Assert.StartsWith("HTTP/1.1 200", reply, StringComparison.Ordinal);
    }

    private static async Task<GuardProcess> StartAsync(params (string Key, string Value)[] settings)
    {
        var guard = await GuardProcess.StartAsync(Token, settings);
        await guard.Control.PutPoolAsync("default", Token);
        return guard;
    }

    private static Task<ScriptedRunner> RunnerAsync(GuardProcess guard) => ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);

    private static Task<string> ReadyAsync(GuardProcess guard) => guard.Control.CreateActorAsync("default", Token);

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket socket)
    {
        var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Token);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    private static async Task<(long Length, string Hash)> ConsumeAsync(Stream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var buffer = new byte[256 * 1024];
        var length = 0L;
        while (await stream.ReadAsync(buffer, Token) is var read and > 0)
        {
            hash.AppendData(buffer, 0, read);
            length += read;
        }

        return (length, Convert.ToHexString(hash.GetHashAndReset()));
    }
}
