using System.Globalization;

namespace Guard.Scenarios.Edge.Http2;

/// <summary>Clients that use HTTP/2 to make Guard work: bounded wakes, bounded memory, the connection closed, nobody else disturbed.</summary>
public sealed class Http2FloodTests
{
    private const int MaxGrowth = 64 * 1024 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RapidReset_TenThousandStreams_FewWakesAndConnectionClosed()
    {
        await using var edge = await Http2Edge.StartAsync(Token);
        await using var connection = await edge.ConnectAsync(tls: false, Token);
        var reading = connection.ReadUntilAsync(_ => false, Token);
        var before = edge.Guard.Process.ResidentBytes;
        var sent = 0;
        try
        {
            for (; sent < 10_000; sent++)
            {
                // Each a new actor, so that each could be a wake.
                var path = string.Create(CultureInfo.InvariantCulture, $"/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=r{sent}");
                await connection.WriteAsync([.. H2Connection.Headers((2 * sent) + 1, true, edge.Get(path)), .. H2Connection.Reset((2 * sent) + 1)], Token);
            }
        }
        catch (IOException)
        {
            // Closed, as it should be.
        }

        Assert.Null(await reading);
        Assert.True(edge.Guard.Runner.Calls.Count < 1000, $"{edge.Guard.Runner.Calls.Count} wakes for {sent} streams");
        Assert.InRange(edge.Guard.Process.ResidentBytes - before, long.MinValue, MaxGrowth);
        await ServesOthersAsync(edge);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_000)]
    public async Task Continuation_WithoutEnd_ConnectionClosed(int size)
    {
        var edge = await Http2Edge.SharedAsync(Token);
        await using var connection = await edge.ConnectAsync(tls: false, Token);
        var reading = connection.ReadUntilAsync(_ => false, Token);
        var before = edge.Guard.Process.ResidentBytes;

        // A long value that goes on and on; then nothing at all, on and on.
        var block = H2Connection.Block([.. edge.Get("/gateway/{actor}/x"), ("x-long", new string('a', 5_000_000))]);
        await connection.WriteAsync(H2Connection.Frame(H2Frame.Headers, H2Frame.EndStream, 1, block.AsSpan(0, 300)), Token);
        var sent = 0;
        try
        {
            for (var at = 300; sent < 200_000 && at + size < block.Length; sent++, at += size)
            {
                await connection.WriteAsync(H2Connection.Frame(H2Frame.Continuation, 0, 1, block.AsSpan(at, size)), Token);
            }
        }
        catch (IOException)
        {
            // Closed.
        }

        Assert.Null(await reading);
        Assert.InRange(edge.Guard.Process.ResidentBytes - before, long.MinValue, MaxGrowth);
        await ServesOthersAsync(edge);
    }

    [Theory]
    [InlineData(H2Frame.Settings, 6)]
    [InlineData(H2Frame.Ping, 8)]
    public async Task Flood_AnswersNobodyReads_BoundedMemoryAndOthersServed(byte type, int size)
    {
        var edge = await Http2Edge.SharedAsync(Token);
        await using var connection = await edge.ConnectAsync(tls: false, Token);
        var before = edge.Guard.Process.ResidentBytes;
        var payload = new byte[size];
        if (type == H2Frame.Settings)
        {
            payload[1] = 4; // INITIAL_WINDOW_SIZE 0
        }

        var frame = H2Connection.Frame(type, 0, 0, payload);
        byte[] many = [.. Enumerable.Repeat(frame, 1000).SelectMany(f => f)];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3), TimeProvider.System);
        try
        {
            for (var i = 0; i < 1000; i++)
            {
                await connection.WriteAsync(many, limit.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Guard reads no further while its answers are not taken, or has closed the connection.
        }

        Assert.InRange(edge.Guard.Process.ResidentBytes - before, long.MinValue, MaxGrowth);
        await ServesOthersAsync(edge);
    }

    [Fact]
    public async Task ZeroWindow_RepliesNobodyTakes_BoundedMemoryAndConnectionClosed()
    {
        await using var edge = await Http2Edge.StartAsync(Token, ("Guard:Limits:RateGracePeriod", "00:00:02"));
        var broken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Guard.Runner.OnRequest = async (request, number, stream, token) =>
        {
            if (request.Target != "/big")
            {
                return await RecordingRunner.ReplyAsync(request, number, stream, token);
            }

            try
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n"u8.ToArray(), token);
                for (var i = 0; i < 50; i++)
                {
                    await stream.WriteAsync(new byte[1_000_000], token);
                }
            }
            catch (IOException)
            {
                broken.TrySetResult();
            }

            return false;
        };
        await using var connection = await edge.ConnectAsync(tls: false, Token, settings: [(4, 0)]);
        var before = edge.Guard.Process.ResidentBytes;
        for (var i = 0; i < 20; i++)
        {
            await connection.WriteAsync(H2Connection.Headers((2 * i) + 1, true, edge.Get("/gateway/{actor}/big")), Token);
        }

        await ServesOthersAsync(edge);

        // Reset, or the whole connection ended.
        _ = await connection.ReadUntilAsync(f => f.Type is H2Frame.GoAway or H2Frame.Reset, Token);
        await broken.Task.WaitAsync(TimeSpan.FromMinutes(2), Token);
        Assert.InRange(edge.Guard.Process.ResidentBytes - before, long.MinValue, MaxGrowth);
    }

    [Fact]
    public async Task HeldStreams_HundredOnOneConnection_OthersUnaffected()
    {
        await using var edge = await Http2Edge.StartAsync(Token, ("Guard:Runners:StartTimeout", "00:05:00"), ("Guard:Readiness:Timeout", "00:05:00"));
        edge.Guard.Runner.OnCall = static async (_, token) => await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        var sleeping = await edge.Guard.Process.Control.CreateActorAsync("default", Token, key: "sleeping");
        await using var connection = await edge.ConnectAsync(tls: false, Token);
        for (var i = 0; i < 101; i++)
        {
            await connection.WriteAsync(H2Connection.Headers((2 * i) + 1, true, edge.Get($"/gateway/{sleeping}/x")), Token);
        }

        // One too many for the connection: refused by itself, without harm to the others.
        Assert.Equal(-7, await connection.AnswerAsync(201, Token));
        Assert.Equal(100, await edge.Guard.Process.MetricAsync("guard_held_requests", Token));
        await ServesOthersAsync(edge);
    }

    private static async Task ServesOthersAsync(Http2Edge edge)
    {
        await using var other = await edge.ConnectAsync(tls: false, Token);
        await other.WriteAsync(H2Connection.Headers(1, true, edge.Get("/gateway/{actor}/other")), Token);
        Assert.Equal(200, await other.AnswerAsync(1, Token));
        using var plain = await edge.Guard.Process.Client.GetAsync(new Uri(edge.Guard.Fill("/gateway/{actor}/other"), UriKind.Relative), Token);
        Assert.True(plain.IsSuccessStatusCode);
    }
}
