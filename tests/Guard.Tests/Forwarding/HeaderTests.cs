using System.Net;
using Guard.Model.Runners;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Tests.Forwarding;

public sealed class HeaderTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_Bare_RunnerSeesExactlyTheseHeaders()
    {
        var request = await ForwardAsync("GET /x HTTP/1.1\r\nHost: app.example:99\r\n\r\n");

        var lines = request.Head.Split("\r\n").Select(l => l.StartsWith("traceparent: 00-", StringComparison.Ordinal) ? "traceparent" : l).Order(StringComparer.Ordinal);
        Assert.Equal(
            new[]
            {
                "GET /x HTTP/1.1",
                "Host: app.example:99",
                "traceparent",
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-host: app.example:99",
                "x-forwarded-proto: http",
                $"x-rivet-actor: {ForwardingGateway.Actor}",
                "x-rivet-actor-generation: 7",
                "x-rivet-actor-key: a/b",
                "x-rivet-ray-id: ray0",
            }.Order(StringComparer.Ordinal),
            lines);
    }

    [Theory]
    [InlineData("x-rivet-target: actor")]
    [InlineData("X-Rivet-Token: secret")]
    [InlineData("x-rivet-skip-ready-wait: 1")]
    [InlineData("x-rivet-error: guard.x")]
    [InlineData("Forwarded: for=1.2.3.4")]
    [InlineData("x-real-ip: 1.2.3.4")]
    [InlineData("x-content-length: 5")]
    [InlineData("x-guard-channel: secret")]
    [InlineData("X-GUARD-anything: 1")]
    [InlineData("x-guard-: 1")]
    [InlineData("under_score: 1")]
    [InlineData("x_rivet_actor: evil")]
    [InlineData("Keep-Alive: timeout=5")]
    [InlineData("Proxy-Connection: keep-alive")]
    [InlineData("Proxy-Authorization: Basic x")]
    [InlineData("TE: trailers")]
    [InlineData("Trailer: x")]
    [InlineData("Upgrade: foo")]
    [InlineData("Connection: close, x-named\r\nx-named: 1")]
    [InlineData("Connection: keep-alive, X-Named\r\nx-named: 1")]
    [InlineData("Connection: x-other\r\nConnection: X-Named\r\nx-named: 1")]
    public async Task Request_NotForTheRunner_Removed(string header)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");

        Assert.False(request.Has(header[..header.IndexOf(':', StringComparison.Ordinal)]));
        Assert.False(request.Has("x-named"));
    }

    [Theory]
    [InlineData("x-rivet-custom", "1")]
    [InlineData("Upgrade-Insecure-Requests", "1")]
    [InlineData("Authorization", "Bearer x")]
    [InlineData("Cookie", "a=b; c=d")]
    [InlineData("x-forwarded-port", "1")]
    [InlineData("Via", "1.1 x")]
    [InlineData("User-Agent", "weird  (agent")]
    [InlineData("If-None-Match", "not quoted, \"q\"")]
    [InlineData("Content-Type", "text/plain; a=b")]
    [InlineData("x-empty", "")]
    [InlineData("x-latin", "caf\u00e9 \u00ff\u0080")]
    public async Task Request_EndToEnd_Unchanged(string name, string value)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n");

        Assert.Equal([value], request.Header(name));
    }

    [Fact]
    public async Task Request_Repeated_AllValuesInOrder()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: a\r\nx-a: 1\r\nx-b: 2\r\nx-a: 3\r\n\r\n");

        Assert.Equal("1, 3", string.Join(", ", request.Header("x-a")));
    }

    [Theory]
    [InlineData("x-rivet-actor", "x-rivet-actor")]
    [InlineData("x-rivet-actor-key", "x-rivet-actor-key")]
    [InlineData("x-rivet-ray-id", "x-rivet-ray-id")]
    [InlineData("x-forwarded-for", "x-forwarded-for")]
    [InlineData("traceparent", "traceparent")]
    [InlineData("host", "host")]
    public async Task Request_ClientNamesGuardsHeaderInConnection_StaysGuards(string named, string name)
    {
        var request = await ForwardAsync($"GET / HTTP/1.1\r\nHost: a\r\nConnection: {named}\r\n{(named == "host" ? "x-a: 1" : $"{named}: evil")}\r\n\r\n");

        Assert.NotEqual("evil", Assert.Single(request.Header(name)));
    }

    [Fact]
    public async Task Request_ContentLengthNamedInConnection_BodyStillFramed()
    {
        var request = await ForwardAsync("POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 3\r\n\r\nabc");

        Assert.Equal(["3"], request.Header("content-length"));
        Assert.Equal("abc", request.Body);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "")]
    [InlineData("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "content-length: 0")]
    [InlineData("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "content-length: 0")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "content-length: 3")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "content-length: 3")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "transfer-encoding: chunked")]
    public async Task Request_Framing_AsTheClientMeantIt(string sent, string framing)
    {
        var request = await ForwardAsync(sent);

        var seen = request.Head.Split("\r\n")
            .Where(l => l.StartsWith("content-length", StringComparison.OrdinalIgnoreCase) || l.StartsWith("transfer-encoding", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(framing, string.Join(' ', seen).ToLowerInvariant());
        Assert.Equal(sent.Contains("abc", StringComparison.Ordinal), request.Body.Contains("abc", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "9.9.9.9, 8.8.8.8", "127.0.0.1", "http", "a")]
    [InlineData("127.0.0.0/8", "9.9.9.9, 8.8.8.8", "9.9.9.9, 8.8.8.8, 127.0.0.1", "https", "public.example")]
    [InlineData("10.0.0.0/8", "9.9.9.9", "127.0.0.1", "http", "a")]
    public async Task Request_ForwardedHeaders_BelievedFromTrustedProxiesOnly(string? trusted, string received, string expected, string proto, string host)
    {
        var request = await ForwardAsync(
            $"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {received}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\n\r\n",
            o => o.Gateway.TrustedProxies = trusted is null ? null : [trusted]);

        Assert.Equal([expected], request.Header("x-forwarded-for"));
        Assert.Equal([proto], request.Header("x-forwarded-proto"));
        Assert.Equal([host], request.Header("x-forwarded-host"));
    }

    [Fact]
    public async Task Request_RunnerKey_ReplacesTheClients()
    {
        var request = await ForwardAsync(
            "GET / HTTP/1.1\r\nHost: a\r\nx-rivet-runner-key: evil\r\n\r\n", runnerKey: "k\r\nx-injected: 1");

        Assert.Equal(["k%0D%0Ax-injected:%201"], request.Header("x-rivet-runner-key"));
        Assert.False(request.Has("x-injected"));
    }

    [Fact]
    public async Task Request_ActorWithoutKey_NoKeyHeaderEvenFromTheClient()
    {
        var request = await ForwardAsync("GET / HTTP/1.1\r\nHost: a\r\nx-rivet-actor-key: evil\r\n\r\n", key: null);

        Assert.False(request.Has("x-rivet-actor-key"));
    }

    [Theory]
    [InlineData("rivet, rivet_target.actor, rivet_actor.abc, rivet_token.t, rivet_skip_ready_wait", "rivet")]
    [InlineData("rivet_target.actor, rivet_actor.abc", null)]
    [InlineData("chat,  superchat", "chat,  superchat")]
    [InlineData("chat\r\nSec-WebSocket-Protocol: rivet_token.t, json", "chat, json")]
    public async Task Request_Subprotocols_GuardsTokensRemoved(string offered, string? expected)
    {
        var request = await ForwardAsync(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {offered}\r\n\r\n");

        Assert.Equal(expected is null ? [] : [expected], request.Header("sec-websocket-protocol"));
        Assert.Equal(["websocket"], request.Header("upgrade"));
        Assert.Equal(["Upgrade"], request.Header("connection"));
        Assert.False(request.Has("content-length"));
    }

    [Fact]
    public async Task Request_Traced_ContinuesTraceUnderNewSpan()
    {
        var request = await ForwardAsync(
            "GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1,b=2\r\n\r\n");

        var parent = Assert.Single(request.Header("traceparent"));
        Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c-", parent, StringComparison.Ordinal);
        Assert.EndsWith("-01", parent, StringComparison.Ordinal);
        Assert.DoesNotContain("b7ad6b7169203331", parent, StringComparison.Ordinal);
        Assert.Equal(["a=1,b=2"], request.Header("tracestate"));
    }

    [Fact]
    public async Task Request_CookiesSplitByHttp2_OneHeader()
    {
        await using var runner = RawRunner.Replying(Ok);
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client(http2: true);
        using var message = new HttpRequestMessage(HttpMethod.Get, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        message.Headers.TryAddWithoutValidation("cookie", ["a=1", "b=2"]);

        using var reply = await client.SendAsync(message, Token);

        Assert.Equal(["a=1; b=2"], Assert.Single(runner.Requests).Header("cookie"));
    }

    [Theory]
    [InlineData("Keep-Alive: timeout=5")]
    [InlineData("Proxy-Authenticate: Basic")]
    [InlineData("Upgrade: h2c")]
    [InlineData("Trailer: x")]
    [InlineData("Connection: x-named\r\nx-named: 1")]
    [InlineData("x-rivet-error: guard.actor_ready_timeout")]
    [InlineData("X-Rivet-Error: core.internal_error")]
    public async Task Response_NotForTheClient_Removed(string header)
    {
        var head = await ReplyAsync($"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{header}\r\n\r\nok");

        Assert.DoesNotContain(header[..header.IndexOf(':', StringComparison.Ordinal)] + ":", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("x-named", head, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("x-rivet-error: actor.not_found")]
    [InlineData("x-rivet-error: myapp.guard.x")]
    [InlineData("x-rivet-other: 1")]
    [InlineData("Server: theirs")]
    [InlineData("Date: whenever")]
    [InlineData("Strict-Transport-Security: max-age=1")]
    [InlineData("Set-Cookie: a=b, c\r\nSet-Cookie: d=e")]
    [InlineData("Location: /rel?x#y")]
    [InlineData("x-latin: caf\u00e9 \u00ff")]
    [InlineData("Content-Encoding: gzip")]
    public async Task Response_EndToEnd_Unchanged(string header)
    {
        var head = await ReplyAsync($"HTTP/1.1 302 Custom Phrase\r\nContent-Length: 2\r\n{header}\r\n\r\nok");

        Assert.StartsWith("HTTP/1.1 302 Custom Phrase\r\n", head, StringComparison.Ordinal);
        Assert.Contains(header, head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Response_RayId_IsGuards()
    {
        var head = await ReplyAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Rivet-Ray-Id: evil\r\n\r\nok");

        Assert.Contains("x-rivet-ray-id: ray0\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("evil", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_RunnerAnswersCors_GuardAddsNone()
    {
        var head = await ReplyAsync(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: https://x\r\nVary: accept\r\n\r\nok", GuardsCors);

        Assert.Contains("Access-Control-Allow-Origin: https://x\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Vary: accept\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https://guards", head, StringComparison.Ordinal);
        Assert.DoesNotContain("expose-headers", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("credentials", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("origin\r\n", head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Response_RunnerAnswersNoCors_GuardsStays()
    {
        var head = await ReplyAsync(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Credentials: false\r\nVary: accept\r\n\r\nok", GuardsCors);

        Assert.Contains("Access-Control-Allow-Origin: https://guards\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Access-Control-Allow-Credentials: true\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("false", head, StringComparison.Ordinal);
        Assert.Contains("accept\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "304")]
    [InlineData("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "205")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "204")]
    public async Task Response_WithoutBody_PassesAndConnectionGoesOn(string reply, string status)
    {
        await using var runner = RawRunner.Replying(reply);
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();

        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Response_ToHead_KeepsContentLength()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();

        using var reply = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"), Token);

        Assert.Equal(1234, reply.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Response_ForbiddenHeaderBytes_UpstreamError()
    {
        var head = await ReplyAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-a: \u0001\r\n\r\nok");

        // Either end may refuse it; the client must not see it.
        Assert.DoesNotContain("\u0001", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_TrailersFromChunkedRunner_ReachHttp2Clients()
    {
        await using var runner = RawRunner.Replying(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 42\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client(http2: true);

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(HttpVersion.Version20, reply.Version);
        Assert.Equal("ok", await reply.Content.ReadAsStringAsync(Token));
        Assert.Equal(["x-sum"], reply.Headers.GetValues("trailer"));
        Assert.Equal(["42"], reply.TrailingHeaders.GetValues("x-sum"));
    }

    [Fact]
    public async Task Http2BothSides_TrailersTeAndBodyPass()
    {
        string? te = null, protocol = null;
        await using var runner = await KestrelRunner.StartAsync(http2: true, async context =>
        {
            (te, protocol) = (context.Request.Headers.TE, context.Request.Protocol);
            context.Response.DeclareTrailer("x-status");
            await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
            context.Response.AppendTrailer("x-status", "0");
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, protocol: RunnerProtocol.H2c);
        using var client = gateway.Client(http2: true);
        using var message = new HttpRequestMessage(HttpMethod.Post, "/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("hello"),
        };
        message.Headers.TE.ParseAdd("trailers");

        using var reply = await client.SendAsync(message, Token);

        Assert.Equal("hello", await reply.Content.ReadAsStringAsync(Token));
        Assert.Equal(["0"], reply.TrailingHeaders.GetValues("x-status"));
        Assert.Equal("trailers", te);
        Assert.Equal("HTTP/2", protocol);
    }

    [Fact]
    public async Task Http2Client_GrpcContentType_BodyLimitHolds()
    {
        await using var runner = await KestrelRunner.StartAsync(http2: true, context => context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted));
        await using var gateway = await ForwardingGateway.StartAsync(
            runner.Endpoint, o => o.Limits.MaxRequestBodyBytes = 1000, RunnerProtocol.H2c);
        using var client = gateway.Client(http2: true);
        using var content = new StreamContent(new MemoryStream(new byte[200_000]));
        content.Headers.ContentType = new("application/grpc");
        content.Headers.ContentLength = null;
        using var message = new HttpRequestMessage(HttpMethod.Post, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content };

        try
        {
            using var reply = await client.SendAsync(message, Token);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The server may reset the rest of the upload before the client read the answer.
        }

        Assert.Equal("guard.request_body_too_large", (await gateway.OutcomeAsync()).LastError);
    }

    private static void GuardsCors(HttpContext context)
    {
        context.Response.Headers.AccessControlAllowOrigin = "https://guards";
        context.Response.Headers.AccessControlAllowCredentials = "true";
        context.Response.Headers.AccessControlExposeHeaders = "x";
        context.Response.Headers.Vary = "origin";
    }

    private static async Task<RawRequest> ForwardAsync(
        string request, Action<Core.Options.GuardOptions>? configure = null, string? key = "a/b", string? runnerKey = null)
    {
        await using var runner = RawRunner.Replying(Ok);
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, configure);
        gateway.Route = _ => ForwardingGateway.RouteTo(runner.Endpoint, key: key, runnerKey: runnerKey);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync(request);
        await client.ReadUntilAsync("ok");
        return Assert.Single(runner.Requests);
    }

    private static async Task<string> ReplyAsync(string reply, Action<HttpContext>? before = null)
    {
        await using var runner = RawRunner.Replying(reply);
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        gateway.Before = before;
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        return await client.ReadUntilAsync("\r\n\r\n");
    }
}
