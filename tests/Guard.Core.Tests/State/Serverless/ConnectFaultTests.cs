using Guard.Model.Pools;
using Guard.TestSupport;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>Every way a start endpoint can break, over real sockets: which of the pool's errors it is, and that it is known at once.</summary>
public sealed class ConnectFaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> WrongReplies => new()
    {
        { nameof(StartReplies.JsonInPlaceOfStream), "answered 200 with content-type application/json; expected text/event-stream" },
        { nameof(StartReplies.Gzip), "answered 200 with content-encoding gzip, which Guard did not ask for" },
        { nameof(StartReplies.Garbage), "the reply is not valid HTTP" },
        { nameof(StartReplies.Reset), "the connection was reset" },
    };

    /// <summary>By name: scripts do not cross a test runner's borders.</summary>
    private static ServerlessReply Named(string name) => (ServerlessReply)typeof(StartReplies).GetField(name)!.GetValue(null)!;

    [Theory]
    [MemberData(nameof(WrongReplies))]
    public async Task Connect_WrongReply_IsAConnectionError(string reply, string message)
        => Assert.Equal(Connection(message), await FailAsync(Named(reply)));

    [Fact]
    public async Task Connect_ClosedWithoutReply_IsAConnectionErrorAfterOneDelivery()
    {
        await using var endpoint = new ServerlessEndpoint(static (connection, _) =>
        {
            connection.Close();
            return Task.CompletedTask;
        });
        using var calls = new ServerlessCalls();

        Assert.Equal(Connection("the connection was closed without a reply"), await calls.FailAsync(ServerlessCalls.Target(endpoint.Url)));
        Assert.Single(endpoint.Requests);
    }

    [Fact]
    public async Task Connect_NobodyListens_IsAConnectionError()
    {
        using var calls = new ServerlessCalls();

        Assert.Equal(Connection("connection refused"), await calls.FailAsync(ServerlessCalls.Target($"http://127.0.0.1:{FreePort.Next()}")));
    }

    [Fact]
    public async Task Connect_UnknownHost_IsAConnectionError()
    {
        using var calls = new ServerlessCalls();

        Assert.Equal(Connection("host name not resolved"), await calls.FailAsync(ServerlessCalls.Target("http://no-such-host.invalid")));
    }

    [Fact]
    public async Task Connect_NameOfAForbiddenAddress_IsRefusedBeforeTheCall()
    {
        await using var endpoint = new ServerlessEndpoint();
        using var calls = new ServerlessCalls(o => o.Runners.AllowedEndpoints = ["10.0.0.0/8"]);

        var error = await calls.FailAsync(ServerlessCalls.Target(endpoint.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)));

        Assert.Equal(Connection("endpoint address not allowed"), error);
        Assert.Equal(0, endpoint.Connections);
    }

    [Fact]
    public async Task Connect_CertificateNobodyTrusts_IsAConnectionError()
    {
        using var certificate = ServerlessEndpoint.SelfSigned();
        await using var endpoint = new ServerlessEndpoint(certificate: certificate);
        using var calls = new ServerlessCalls();

        var error = await calls.FailAsync(ServerlessCalls.Target(endpoint.Url));

        Assert.Equal(PoolErrorKind.ServerlessConnectionError, error.Kind);
        Assert.StartsWith("TLS handshake failed: ", error.Message, StringComparison.Ordinal);
        Assert.Empty(endpoint.Requests);
    }

    [Theory]
    [InlineData(404, "no such page")]
    [InlineData(500, "out of memory")]
    [InlineData(301, "")]
    [InlineData(600, "odd")]
    public async Task Connect_OtherStatus_IsAnHttpErrorWithItsBody(int status, string body)
        => Assert.Equal(new PoolError(PoolErrorKind.ServerlessHttpError, status, body), await FailAsync(StartReplies.Status(status, body)));

    [Theory]
    [InlineData(nameof(StartReplies.EndlessRedirect), 302)]
    [InlineData(nameof(StartReplies.ForbiddenRedirect), 307)]
    public async Task Connect_Redirect_IsNotFollowed(string reply, int status)
    {
        await using var endpoint = new ServerlessEndpoint(Named(reply));
        using var calls = new ServerlessCalls();

        Assert.Equal(new PoolError(PoolErrorKind.ServerlessHttpError, status, ""), await calls.FailAsync(ServerlessCalls.Target(endpoint.Url)));
        Assert.Single(endpoint.Requests);
    }

    [Fact]
    public async Task Connect_GigabyteOnA500_ReadsNoMoreThanItKeeps()
    {
        long sent = 0;
        await using var endpoint = new ServerlessEndpoint(StartReplies.HugeBody(1L << 30, n => Interlocked.Add(ref sent, n)));
        using var calls = new ServerlessCalls();

        var error = await calls.FailAsync(ServerlessCalls.Target(endpoint.Url));
        await endpoint.DisposeAsync();

        Assert.Equal(new PoolError(PoolErrorKind.ServerlessHttpError, 500, new string('x', 512)), error);

        // What sockets hold between them; the rest never left the endpoint.
        Assert.InRange(Interlocked.Read(ref sent), 0, 64 << 20);
    }

    [Fact]
    public async Task Connect_LongBody_IsCutBetweenCharacters()
    {
        // 511 bytes of ASCII: the first € would end at 514.
        var body = new string('a', 511) + "€€";
        await using var endpoint = new ServerlessEndpoint((connection, _) => connection.SendAsync(
            [.. System.Text.Encoding.UTF8.GetBytes($"HTTP/1.1 500 x\r\ncontent-length: 517\r\n\r\n{body}")]));
        using var calls = new ServerlessCalls();

        Assert.Equal(new string('a', 511), (await calls.FailAsync(ServerlessCalls.Target(endpoint.Url))).Message);
    }

    [Fact]
    public async Task Connect_BodyThatNeverComes_IsWaitedForOnlyBriefly()
    {
        await using var endpoint = new ServerlessEndpoint(static async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 503 x\r\ncontent-length: 10\r\n\r\nsome");
            await connection.WaitForEndAsync();
        });
        using var calls = new ServerlessCalls();

        var failing = calls.FailAsync(ServerlessCalls.Target(endpoint.Url) with { InitTimeout = TimeSpan.FromHours(1) });

        // The wait starts when the reply's head has arrived, which nobody can see.
        while (!failing.IsCompleted)
        {
            calls.Time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.WhenAny(failing, Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token));
        }

        Assert.Equal(new PoolError(PoolErrorKind.ServerlessHttpError, 503, "some"), await failing);
    }

    [Fact]
    public async Task Connect_PackedBody_IsNotShown()
        => Assert.Equal(
            new PoolError(PoolErrorKind.ServerlessHttpError, 500, "(content-encoding gzip)"),
            await FailAsync(StartReplies.Status(500, "\u001f\u008b\b", "content-encoding: gzip\r\n")));

    [Theory]
    [InlineData("")]
    [InlineData(": only a comment\n\n")]
    [InlineData("event: ping\ndata: 1\n\n")]
    [InlineData("data: eyJ2ZXJzaW9uIjoxfQ==\n")] // an event that was not finished
    public async Task Connect_EndBeforeInit_IsStreamEndedEarly(string events)
        => Assert.Equal(new PoolError(PoolErrorKind.ServerlessStreamEndedEarly), await FailAsync(StartReplies.Stream(events, stay: false)));

    [Fact]
    public async Task Connect_ClosedInsideTheStream_IsStreamEndedEarly()
        => Assert.Equal(new PoolError(PoolErrorKind.ServerlessStreamEndedEarly), await FailAsync(static async (connection, _) =>
        {
            await connection.SendAsync(StartReplies.StreamHead);
            connection.Close();
        }));

    [Fact]
    public async Task Connect_NotBase64_IsAnInvalidPayload()
        => Assert.Equal(
            new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "the first message is not base64", RawPayload: "this is not base64!"),
            await FailAsync(StartReplies.InvalidBase64));

    [Fact]
    public async Task Connect_MessageOfAnotherType_IsAnInvalidPayload()
        => Assert.Equal(
            new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "the first message is not base64", RawPayload: "out of memory"),
            await FailAsync(StartReplies.Stream("event: error\ndata: out of memory\n\n", stay: true)));

    [Fact]
    public async Task Connect_LongPayload_IsCut()
    {
        var error = await FailAsync(StartReplies.Stream($"data: {new string('!', 10_000)}\n\n", stay: true));

        Assert.Equal(new string('!', 512), error.RawPayload);
    }

    [Fact]
    public async Task Connect_EndlessFirstMessage_IsAnInvalidPayload()
    {
        long sent = 0;
        await using var endpoint = new ServerlessEndpoint(async (connection, _) =>
        {
            await connection.SendAsync(StartReplies.StreamHead + StartReplies.Chunk("data: "));
            var piece = StartReplies.Chunk(new string('A', 64 * 1024));
            while (sent < 1L << 30)
            {
                await connection.SendAsync(piece);
                sent += piece.Length;
            }
        });
        using var calls = new ServerlessCalls();

        var error = await calls.FailAsync(ServerlessCalls.Target(endpoint.Url));
        await endpoint.DisposeAsync();

        Assert.Equal(new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "the first event is longer than 65536 bytes"), error);
        Assert.InRange(sent, 0, 64 << 20);
    }

    [Theory]
    [InlineData(nameof(StartReplies.Hang))]
    [InlineData(nameof(StartReplies.SlowHead))]
    public async Task Connect_NoWholeHeadInTime_EndsWithTheInitTimeout(string reply)
    {
        await using var endpoint = new ServerlessEndpoint(Named(reply));
        using var calls = new ServerlessCalls();
        var failing = calls.FailAsync(ServerlessCalls.Target(endpoint.Url));
        await endpoint.NextAsync(Token);

        calls.Time.Advance(TimeSpan.FromMilliseconds(9_999));
        Assert.False(failing.IsCompleted);
        calls.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(Connection("no reply within 10 s"), await failing);
    }

    [Fact]
    public async Task Connect_NoMessageInTime_EndsWithTheInitTimeout()
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var endpoint = new ServerlessEndpoint(async (connection, _) =>
        {
            // More than sockets hold: once all of it is out, the head has long been read.
            await connection.SendAsync(StartReplies.StreamHead);
            var comments = StartReplies.Chunk(string.Concat(Enumerable.Repeat(": not yet\n", 6_400)));
            for (var i = 0; i < 200; i++)
            {
                await connection.SendAsync(comments);
            }

            read.SetResult();
            await connection.WaitForEndAsync();
        });
        using var calls = new ServerlessCalls();
        var failing = calls.FailAsync(ServerlessCalls.Target(endpoint.Url));
        await read.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);

        calls.Time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(Connection("no first message within 10 s"), await failing);
    }

    [Fact]
    public async Task Connect_EndpointThatRepeatsTheRequest_DoesNotShowSecrets()
    {
        await using var endpoint = new ServerlessEndpoint(static (connection, request) =>
        {
            // The last secret straddles the cut at 512 bytes.
            var body = request.Head + " wrong token s3cret!";
            body = body.PadRight(509, '.') + "runner-token-1 and more";
            return connection.SendAsync($"HTTP/1.1 401 x\r\ncontent-length: {body.Length}\r\n\r\n{body}");
        });
        using var calls = new ServerlessCalls(o => o.Control.RunnerTokens = ["runner-token-1"]);

        var error = await calls.FailAsync(ServerlessCalls.Target(endpoint.Url, ("authorization", "Bearer s3cret"), ("x-key", "another-secret")));

        Assert.Contains("x-rivet-runner-name: p", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another-secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("run", error.Message![400..], StringComparison.Ordinal);
    }

    private static PoolError Connection(string message) => new(PoolErrorKind.ServerlessConnectionError, Message: message);

    private static async Task<PoolError> FailAsync(ServerlessReply reply)
    {
        await using var endpoint = new ServerlessEndpoint(reply);
        using var calls = new ServerlessCalls();
        return await calls.FailAsync(ServerlessCalls.Target(endpoint.Url));
    }
}
