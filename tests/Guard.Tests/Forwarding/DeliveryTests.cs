using System.Net;
using System.Text;
using Guard.Core.Transport;
using Guard.Model.Runners;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Tests.Forwarding;

public sealed class DeliveryTests
{
    private const string Handshake =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")]
    [InlineData(Handshake)]
    public async Task Forward_RunnerClosesWithoutReply_DeliveredOnce(string request)
    {
        await using var runner = new RawRunner((connection, _) =>
        {
            connection.Close();
            return Task.CompletedTask;
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync(request);
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 502 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-outcome: guard.upstream_error response", reply, StringComparison.Ordinal);
        Assert.Single(runner.Requests);
        Assert.Equal(1, runner.Connections);
    }

    [Fact]
    public async Task Forward_RunnerClosesReusedConnectionWithoutReply_DeliveredOnce()
    {
        await using var runner = new RawRunner((connection, request) =>
        {
            if (request.RequestLine.Contains("/first", StringComparison.Ordinal))
            {
                return connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }

            connection.Close();
            return Task.CompletedTask;
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();

        Assert.Equal("ok", await client.GetStringAsync("/first", Token));
        using var reply = await client.GetAsync("/second", Token);

        Assert.Equal(HttpStatusCode.BadGateway, reply.StatusCode);
        Assert.Equal(2, runner.Requests.Count);
    }

    [Fact]
    public async Task Forward_RunnerResetsWithoutReply_DeliveredOnce()
    {
        await using var runner = new RawRunner((connection, _) =>
        {
            connection.Reset();
            return Task.CompletedTask;
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.BadGateway, reply.StatusCode);
        Assert.Single(runner.Requests);
    }

    [Fact]
    public async Task Forward_NobodyListens_NotReachedAndResponseAsBefore()
    {
        var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await runner.DisposeAsync();
        await using var second = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        gateway.Tries = 2;
        gateway.Before = c => c.Response.Headers.AccessControlAllowOrigin = "*";
        gateway.Route = attempt => ForwardingGateway.RouteTo(attempt == 0 ? runner.Endpoint : second.Endpoint);
        using var client = gateway.Client();

        using var content = new StreamContent(new MemoryStream("hello"u8.ToArray())); // chunked below: never read, so it can go elsewhere
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = content };
        request.Headers.TransferEncodingChunked = true;
        using var reply = await client.SendAsync(request, Token);

        Assert.Equal(new ForwardOutcome(ForwardStatus.NotReached, null, "connection refused"), await gateway.OutcomeAsync());
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);
        Assert.Equal("ok", await reply.Content.ReadAsStringAsync(Token));
        Assert.Equal(["*"], reply.Headers.GetValues("access-control-allow-origin"));
        Assert.Contains("hello", Assert.Single(second.Requests).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://does-not-exist.invalid:1", "host name not resolved")]
    [InlineData("http://169.254.169.254:1", "endpoint address not allowed")]
    [InlineData("http://[::ffff:169.254.169.254]:1", "endpoint address not allowed")]
    public async Task Forward_EndpointUnusable_NotReached(string endpoint, string reason)
    {
        await using var gateway = await ForwardingGateway.StartAsync(endpoint);
        using var client = gateway.Client();

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(new ForwardOutcome(ForwardStatus.NotReached, null, reason), await gateway.OutcomeAsync());
    }

    [Fact]
    public async Task Forward_RunnerSpeaksNoTls_NotReached()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        await using var plain = new PlainListener();
        await using var gateway = await ForwardingGateway.StartAsync($"https://127.0.0.1:{plain.Port}");
        using var client = gateway.Client();

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(new ForwardOutcome(ForwardStatus.NotReached, null, "TLS handshake failed"), await gateway.OutcomeAsync());
    }

    [Fact]
    public async Task Forward_NotMyActor_NothingOfTheReplyLeaks()
    {
        await using var runner = RawRunner.Replying(
            "HTTP/1.1 421 Not Mine\r\nContent-Length: 4\r\nx-leak: 1\r\nSet-Cookie: a=b\r\naccess-control-allow-origin: https://x\r\n\r\nnope");
        await using var second = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        gateway.Tries = 2;
        gateway.Before = c => c.Response.Headers.AccessControlAllowOrigin = "*";
        gateway.Route = attempt => ForwardingGateway.RouteTo(attempt == 0 ? runner.Endpoint : second.Endpoint);
        using var client = gateway.Client();

        using var reply = await client.PostAsync("/", new StringContent("hello"), Token);

        Assert.Equal(ForwardStatus.NotMyActor, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("OK", reply.ReasonPhrase);
        Assert.False(reply.Headers.Contains("x-leak"));
        Assert.False(reply.Headers.Contains("set-cookie"));
        Assert.Equal(["*"], reply.Headers.GetValues("access-control-allow-origin"));
        Assert.Equal("hello", Assert.Single(runner.Requests).Body);
        Assert.Equal("hello", Assert.Single(second.Requests).Body);
    }

    [Theory]
    [InlineData("GET", "guard.service_unavailable", 503, true)]
    [InlineData("PUT", "guard.actor_stopped_while_waiting", 504, true)]
    [InlineData("POST", "guard.service_unavailable", 503, false)]
    [InlineData("PATCH", "guard.service_unavailable", 503, false)]
    [InlineData("GET", "app.busy", 503, false)]
    [InlineData("GET", "guard.upstream_error", 503, false)]
    [InlineData("GET", "guard.service_unavailable", 500, false)]
    public async Task Forward_RunnerUnavailable_FailedTryOnlyWhereItMayBeSentAgain(string method, string error, int status, bool failedTry)
    {
        await using var runner = RawRunner.Replying($"HTTP/1.1 {status} Sorry\r\nContent-Length: 4\r\nx-rivet-error: {error}\r\nx-leak: 1\r\n\r\nnope");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();

        using var reply = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), "/"), Token);

        var outcome = await gateway.OutcomeAsync();
        Assert.Equal(failedTry ? new(ForwardStatus.FailedTry, null, error) : new ForwardOutcome(ForwardStatus.Done), outcome);
        Assert.Equal(!failedTry, reply.Headers.Contains("x-leak"));
        Assert.Equal(!failedTry && error.StartsWith("app.", StringComparison.Ordinal), reply.Headers.Contains("x-rivet-error"));
    }

    [Fact]
    public async Task Forward_UnavailableAndBodyTooLongToKeep_GoesToTheClient()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\nx-rivet-error: guard.service_unavailable\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, o => o.Forwarding.ReplayBufferBytes = 4);
        using var client = gateway.Client();

        using var reply = await client.PutAsync("/", new StringContent("hello"), Token);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    public async Task Forward_ReplyBreaksOff_ClientIsAborted(string half)
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(half);
            await sent.Task.WaitAsync(Bound, Token);
            connection.Reset();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadUntilAsync("half");
        sent.SetResult();
        var (rest, _) = await client.ReadToEndAsync();

        Assert.DoesNotContain("0\r\n\r\n", rest, StringComparison.Ordinal);
        Assert.Equal(ForwardStatus.Cut, (await gateway.OutcomeAsync()).Status);
    }

    [Theory]
    [InlineData("HTTP/9.9 banana\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n")]
    public async Task Forward_ReplyIsNoHttp_UpstreamErrorInResponse(string reply)
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync(reply);
            connection.Close();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();

        using var answer = await client.GetAsync("/", Token);

        Assert.Equal(["guard.upstream_error response"], answer.Headers.GetValues("x-outcome"));
    }

    [Fact]
    public async Task Forward_ClientLeavesBeforeReply_ClientGoneAndRunnerToldSo()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.WaitForEndAsync();
            ended.SetResult();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using (var client = await gateway.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            await runner.NextAsync(Token);
        }

        Assert.Equal(new ForwardOutcome(ForwardStatus.ClientGone), await gateway.OutcomeAsync());
        await ended.Task.WaitAsync(Bound, Token);
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nhalf")]
    [InlineData("Content-Length: 100000\r\n\r\nhalf")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    public async Task Forward_ClientLeavesInMidBody_NobodyIsBlamed(string half)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = await KestrelRunner.StartAsync(http2: false, async context =>
        {
            _ = await context.Request.Body.ReadAsync(new byte[4], context.RequestAborted);
            seen.TrySetResult();
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using (var client = await gateway.ConnectAsync())
        {
            await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\n" + half);
            await seen.Task.WaitAsync(Bound, Token);
        }

        Assert.Equal(new ForwardOutcome(ForwardStatus.ClientGone), await gateway.OutcomeAsync());
    }

    [Theory]
    [InlineData(false, "Content-Length: 6\r\n\r\nabc", "def")]
    [InlineData(false, "Content-Length: 100000\r\n\r\nabc", null)]
    [InlineData(false, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "3\r\ndef\r\n0\r\n\r\n")]
    [InlineData(true, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "3\r\ndef\r\n0\r\n\r\n")]
    public async Task Forward_SlowUpload_RunnerSeesEachPieceAtOnce(bool h2c, string first, string? second)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = await KestrelRunner.StartAsync(h2c, async context =>
        {
            var buffer = new byte[100];
            var count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted);
            seen.TrySetResult(Encoding.ASCII.GetString(buffer, 0, count));
            await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, protocol: h2c ? RunnerProtocol.H2c : RunnerProtocol.Http1);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\n" + first);
        Assert.Equal("abc", await seen.Task.WaitAsync(Bound, Token));
        if (second is not null)
        {
            await client.SendAsync(second);
            await client.ReadUntilAsync("def");
        }
    }

    [Fact]
    public async Task Forward_RunnerSilent_RequestTimeoutNamesActivity()
    {
        await using var runner = new RawRunner((connection, _) => connection.WaitForEndAsync());
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, o => o.Forwarding.ActivityTimeout = TimeSpan.FromMilliseconds(100));
        using var client = gateway.Client();

        using var reply = await client.PostAsync("/", new StringContent("hello"), Token);

        Assert.Equal(HttpStatusCode.GatewayTimeout, reply.StatusCode);
        Assert.Equal(["guard.request_timeout activity"], reply.Headers.GetValues("x-outcome"));
    }

    [Fact]
    public async Task Forward_ChunkedBodyOverLimit_TooLarge()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, o => o.Limits.MaxRequestBodyBytes = 1000);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + new string('x', 1001) + "\r\n0\r\n\r\n");
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", reply, StringComparison.Ordinal);
        Assert.Contains("guard.request_body_too_large", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forward_ChunkedBodyMalformed_InvalidRequest()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX");
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", reply, StringComparison.Ordinal);
        Assert.Contains("guard.invalid_request", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forward_MisdirectedBeforeBodyWasSent_WholeBodyGoesToTheNext()
    {
        // An HTTP/2 runner may refuse while the client still sends: what was read is replayed, the rest follows.
        await using var first = await KestrelRunner.StartAsync(http2: true, context =>
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return Task.CompletedTask;
        });
        await using var second = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(first.Endpoint);
        gateway.Tries = 2;
        gateway.Route = attempt => attempt == 0
            ? ForwardingGateway.RouteTo(first.Endpoint, RunnerProtocol.H2c)
            : ForwardingGateway.RouteTo(second.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
        Assert.Equal(ForwardStatus.NotMyActor, (await gateway.OutcomeAsync()).Status);
        await client.SendAsync("world");
        var reply = await client.ReadUntilAsync("ok");

        Assert.StartsWith("HTTP/1.1 200 ", reply, StringComparison.Ordinal);
        Assert.Equal("helloworld", Assert.Single(second.Requests).Body);
    }

    [Fact]
    public async Task Forward_MisdirectedBeforeBodyWasSentAndNowhereElseToGo_ClientGetsTheAnswer()
    {
        await using var runner = await KestrelRunner.StartAsync(http2: true, context =>
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return Task.CompletedTask;
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, protocol: RunnerProtocol.H2c);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.Contains("x-outcome: NotMyActor", reply, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/a%2Fb/%E2%9C%93/c+d?x=1&&y=&z=a+b%2Bc&lower=%2f")]
    [InlineData("/a/../b/./c/%2e%2e/d")]
    [InlineData("//double///slash//")]
    [InlineData("/semi;colon=1,2/~tilde/'quote'/(paren)/[x]/{y}|z")]
    [InlineData("/?")]
    [InlineData("/path?a?b=c?d")]
    [InlineData("/hash#frag?x=1")]
    [InlineData("/back\\slash")]
    [InlineData("/%zz%1")]
    public async Task Forward_Target_ByteExact(string target)
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        var reply = await client.ReadUntilAsync("\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", reply, StringComparison.Ordinal);
        Assert.Equal($"GET {target} HTTP/1.1", Assert.Single(runner.Requests).RequestLine);
    }

    [Fact]
    public async Task Forward_EndpointWithPath_TargetComesBehindIt()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint + "/base%2f/x");
        using var client = gateway.Client();

        await client.GetStringAsync("/a?b", Token);

        Assert.Equal("GET /base%2f/x/a?b HTTP/1.1", Assert.Single(runner.Requests).RequestLine);
    }

    /// <summary>Accepts and answers with what is no TLS.</summary>
    private sealed class PlainListener : IAsyncDisposable
    {
        private readonly System.Net.Sockets.TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        public PlainListener()
        {
            _listener.Start();
            _serving = ServeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync()
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(Token);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Token);
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException)
            {
                // Stopped first, or the client had seen enough.
            }
        }
    }
}
