using Guard.Core.State.Serverless;
using Guard.TestSupport;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>A stream that works: what is sent, what it says, how it ends.</summary>
public sealed class ServerlessConnectorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_Healthy_SendsWhatTheContractAsks()
    {
        await using var endpoint = new ServerlessEndpoint();
        using var calls = new ServerlessCalls(o =>
        {
            o.Control.AdvertisedUrl = "http://guard.example:6421";
            o.Control.RunnerTokens = ["runner-token-1", "runner-token-2"];
            o.Control.Token = "all-mighty";
        });

        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url, ("authorization", "Bearer s3cret"), ("content-language", "de")));

        var request = Assert.Single(endpoint.Requests);
        Assert.Equal("GET /start HTTP/1.1", request.RequestLine);
        Assert.Equal(["text/event-stream"], request.Header("accept"));
        Assert.Equal(["http://guard.example:6421"], request.Header("x-rivet-endpoint"));
        Assert.Equal(["runner-token-1"], request.Header("x-rivet-token"));
        Assert.Equal(["10"], request.Header("x-rivet-total-slots"));
        Assert.Equal(["p"], request.Header("x-rivet-runner-name"));
        Assert.Equal(["n"], request.Header("x-rivet-namespace-name"));
        Assert.Equal(["Bearer s3cret"], request.Header("authorization"));
        Assert.Equal(["de"], request.Header("content-language"));
        Assert.DoesNotContain("all-mighty", request.Head, StringComparison.Ordinal);
        Assert.Equal(new ServerlessInit(1, endpoint.Url, 10, null, IsRoutedByKey: true), stream.Init);
        Assert.False(stream.Ended.IsCompleted);
    }

    [Fact]
    public async Task Connect_NoRunnerTokens_SendsNone()
    {
        await using var endpoint = new ServerlessEndpoint();
        using var calls = new ServerlessCalls(o => o.Control.Token = "all-mighty");

        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));

        Assert.False(endpoint.Requests[0].Has("x-rivet-token"));
        Assert.False(endpoint.Requests[0].Has("x-rivet-endpoint"));
        Assert.DoesNotContain("all-mighty", endpoint.Requests[0].Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_PingsAndCommentsFirst_WaitsForTheMessage()
    {
        var events = ": hello\n" + string.Concat(Enumerable.Repeat(": still here\n", 10_000)) + "event: ping\ndata: \n\nevent: ping\n\n"
            + StartReplies.Init("""{"version":4,"total_slots":3,"key":"k","unknown":[1]}""");
        await using var endpoint = new ServerlessEndpoint(StartReplies.Stream(events, stay: true));
        using var calls = new ServerlessCalls();

        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));

        Assert.Equal(new ServerlessInit(4, endpoint.Url, 3, "k", IsRoutedByKey: true), stream.Init);
    }

    [Fact]
    public async Task Stream_LaterMessages_AreCountedAndIgnored()
    {
        var events = StartReplies.Init("""{"version":1}""") + StartReplies.Init("""{"version":7}""") + "event: ping\ndata: x\n\ndata: junk\n\n";
        await using var endpoint = new ServerlessEndpoint(StartReplies.Stream(events, stay: false));
        using var calls = new ServerlessCalls();

        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));
        await stream.Ended.WaitAsync(Limit, Token);

        Assert.Equal(1, stream.Init.Version);
        Assert.Equal(2, await calls.IgnoredMessagesAsync());
    }

    [Fact]
    public async Task Stream_EndlessEventAfterInit_StaysOpenUntilTheEndpointCloses()
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var close = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = new ServerlessEndpoint(async (connection, _) =>
        {
            await connection.SendAsync(StartReplies.StreamHead + StartReplies.Chunk(StartReplies.Init("""{"version":1}""") + "data: "));
            for (var i = 0; i < 200; i++)
            {
                // 13 MB in all: more than socket buffers hold, so it is only sent when it is read.
                await connection.SendAsync(StartReplies.Chunk(new string('x', 64 * 1024)));
            }

            sent.SetResult();
            await close.Task;
        });
        using var calls = new ServerlessCalls();

        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));
        await sent.Task.WaitAsync(Limit, Token);
        Assert.False(stream.Ended.IsCompleted);
        close.SetResult();
        await endpoint.DisposeAsync();
        await stream.Ended.WaitAsync(Limit, Token);

        Assert.Equal(1, await calls.IgnoredMessagesAsync());
    }

    [Fact]
    public async Task Dispose_OpenStream_ClosesTheConnection()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = new ServerlessEndpoint(async (connection, request) =>
        {
            await StartReplies.Healthy(connection, request);
            closed.SetResult();
        });
        using var calls = new ServerlessCalls();
        var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));

        stream.Dispose();
        stream.Dispose();

        await stream.Ended.WaitAsync(Limit, Token);
        await closed.Task.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Stream_LongAfterItsInit_IsNotTimedOut()
    {
        await using var endpoint = new ServerlessEndpoint();
        using var calls = new ServerlessCalls();
        using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));

        calls.Time.Advance(TimeSpan.FromDays(1));
        using var second = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));

        Assert.False(stream.Ended.IsCompleted);
    }

    [Fact]
    public async Task Streams_OneAfterAnother_EachHaveAConnectionOfTheirOwn()
    {
        await using var endpoint = new ServerlessEndpoint(StartReplies.InitThenEnd);
        using var calls = new ServerlessCalls();

        for (var i = 0; i < 3; i++)
        {
            using var stream = await calls.OpenAsync(ServerlessCalls.Target(endpoint.Url));
            await stream.Ended.WaitAsync(Limit, Token);
        }

        Assert.Equal(3, endpoint.Connections);
        Assert.Equal(3, endpoint.Starts);
    }

    [Fact]
    public async Task Connect_CallerLeaves_ThrowsAndClosesTheConnection()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = new ServerlessEndpoint(async (connection, request) =>
        {
            await StartReplies.Hang(connection, request);
            closed.SetResult();
        });
        using var calls = new ServerlessCalls();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var connecting = calls.Connector.ConnectAsync(ServerlessCalls.Target(endpoint.Url), leave.Token);
        await endpoint.NextAsync(Token);
        await leave.CancelAsync();

        var left = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(leave.Token, left.CancellationToken);
        await closed.Task.WaitAsync(Limit, Token);
    }
}
