using System.Text;
using Guard.Core.Transport;
using Guard.TestSupport;

namespace Guard.Tests.Forwarding;

/// <summary>Close frames Guard adds: what each side sees of a shutdown, and the client of a runner that is gone.</summary>
public sealed class WebSocketCloseTests
{
    private const string Handshake =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    private const string Switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    private const string GoingAway = "\u0088\u0002\u0003\u00E9";

    /// <summary>A masked close 1000 (the key is zero), as a client's.</summary>
    private const string ClientClose = "\u0088\u0082\0\0\0\0\u0003\u00E8";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CloseAll_IdleWebSocket_BothSidesGet1001AndAnOrderlyEnd()
    {
        var seen = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching);
            seen.SetResult(await connection.ReadAsync(8));
            await connection.SendAsync(GoingAway);
            connection.Close();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await OpenAsync(gateway);

        var closing = gateway.WebSockets.CloseAllAsync(TimeSpan.FromSeconds(5), Token);
        Assert.Equal(GoingAway, await client.ReadUntilAsync(GoingAway));
        await client.SendAsync(ClientClose);
        var (rest, reset) = await client.ReadToEndAsync();
        await closing.WaitAsync(Bound, Token);

        Assert.Equal(("", false), (rest, reset));
        var frame = await seen.Task.WaitAsync(Bound, Token);
        Assert.Equal((0x88, 0x82, 1001), (frame[0], frame[1], ((frame[6] ^ frame[2]) << 8) | (frame[7] ^ frame[3])));
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(0, gateway.Metrics.WebSockets.Value);
    }

    [Fact]
    public async Task CloseAll_MessageUnderWay_ItsEndComesFirst()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + "\u0082\u0006abc");
            await goOn.Task;
            await connection.SendAsync("def\u0082\u0001x");
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await OpenAsync(gateway);
        await client.ReadUntilAsync("abc");

        var closing = gateway.WebSockets.CloseAllAsync(TimeSpan.FromSeconds(5), Token);
        goOn.SetResult();
        Assert.Equal("def" + GoingAway, await client.ReadUntilAsync(GoingAway));
        await client.SendAsync(ClientClose);

        // The runner never answers: it is waited for a few seconds and no longer.
        await closing.WaitAsync(Bound, Token);
        Assert.False((await client.ReadToEndAsync()).Reset);
    }

    [Fact]
    public async Task CloseAll_WebSocketThatOpensLater_IsClosedToo()
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching);
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);

        await gateway.WebSockets.CloseAllAsync(TimeSpan.FromSeconds(5), Token).WaitAsync(Bound, Token);
        using var client = await OpenAsync(gateway);

        Assert.Equal(GoingAway, await client.ReadUntilAsync(GoingAway));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Runner_GoneWithoutCloseFrame_ClientGets1011WithTheRayId(bool reset)
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + "\u0082\u0003abc");
            await connection.ReadAsync(8);
            if (reset)
            {
                connection.Reset();
            }
            else
            {
                connection.Close();
            }
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await OpenAsync(gateway);
        await client.ReadUntilAsync("abc");

        await client.SendAsync("\u0082\u0082\0\0\0\0go");
        var reason = $"actor.runner_connection_lost#{ForwardingGateway.Ray}";
        var close = await client.ReadUntilAsync(reason);
        await client.SendAsync(ClientClose);
        var (rest, clientReset) = await client.ReadToEndAsync();

        Assert.Equal($"\u0088{(char)(reason.Length + 2)}\u0003\u00F3{reason}", close);
        Assert.Equal(("", false), (rest, clientReset));
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(0, gateway.Metrics.WebSockets.Value);
    }

    [Fact]
    public async Task Runner_ClosesItself_PassesAsItIsAndNothingIsAdded()
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching + GoingAway);
            await connection.ReadAsync(8);
            connection.Close();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await OpenAsync(gateway);

        await client.ReadUntilAsync(GoingAway);
        await client.SendAsync(ClientClose);

        Assert.Equal(("", false), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Frames_BothWays_PassByteForByte()
    {
        var random = new Random(7);
        var bytes = new byte[200_000];
        random.NextBytes(bytes);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(Switching);
            await connection.SendAsync(await connection.ReadAsync(bytes.Length));
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await OpenAsync(gateway);
        var text = Encoding.Latin1.GetString(bytes);

        await client.SendAsync(text);
        var echoed = await client.ReadUntilAsync(text[^40..]);

        Assert.Equal(text, echoed);
    }

    private static async Task<RawClient> OpenAsync(ForwardingGateway gateway)
    {
        var client = await gateway.ConnectAsync();
        await client.SendAsync(Handshake);
        await client.ReadUntilAsync("\r\n\r\n");
        return client;
    }
}
