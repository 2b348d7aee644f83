using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Edge;

/// <summary>Limits of clients on the real binary, each client with a loopback address of its own.</summary>
public sealed class ClientLimitScenarios
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RequestsPerClient_NoisyClient_IsRefusedBeforeAnyWakeAndOthersAreServed()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:RequestsPerClient", "20"), ("Guard:Limits:RequestWindow", "01:00:00"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var noisy = ClientFrom(guard, "127.0.0.2");
        using var quiet = ClientFrom(guard, "127.0.0.3");

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => GetAsync(noisy, actor)));
        var refused = answers.Where(a => a.Status == 429).ToArray();

        Assert.Equal(20, answers.Count(a => a.Status == 200));
        Assert.Equal(40, refused.Length);
        Assert.All(refused, a => Assert.Equal(("guard.rate_limit", true), (a.Error, a.RetryAfter is > 0 and <= 180)));
        Assert.Equal(200, (await GetAsync(quiet, actor)).Status);
        Assert.Equal(40, await guard.MetricAsync("guard_limit_rejected_total{limit=\"rate\"}", Token));

        // A refused client wakes nobody, and a preflight is no way around its limit.
        var asleep = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal(429, (await GetAsync(noisy, asleep)).Status);
        Assert.Equal(0, runner.StartsOf(asleep));
        using var preflight = new HttpRequestMessage(HttpMethod.Options, $"/gateway/{actor}/x");
        preflight.Headers.Add("Origin", "https://a.example");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");
        using var answer = await noisy.SendAsync(preflight, Token);
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal("*", answer.Headers.GetValues("access-control-allow-origin").Single());
    }

    [Fact]
    public async Task ConcurrentPerClient_HeldRequestsOfOne_LeaveOthersAlone()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:ConcurrentPerClient", "5"));
        await guard.Control.PutPoolAsync("default", Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var noisy = ClientFrom(guard, "127.0.0.2");
        using var quiet = ClientFrom(guard, "127.0.0.3");

        // There is no runner: five wait.
        var held = Enumerable.Range(0, 5).Select(_ => GetAsync(noisy, actor)).ToArray();
        await UntilAsync(async () => await guard.MetricAsync("guard_held_requests", Token) == 5);
        Assert.Equal((429, "guard.rate_limit"), Told(await GetAsync(noisy, actor)));
        var other = GetAsync(quiet, actor);
        await UntilAsync(async () => await guard.MetricAsync("guard_held_requests", Token) == 6);

        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        Assert.All(await Task.WhenAll(held.Append(other)), a => Assert.Equal(200, a.Status));

        // Their places are free again.
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => GetAsync(noisy, actor))), a => Assert.Equal(200, a.Status));
    }

    [Fact]
    public async Task ClientBehindATrustedProxy_IsTheOneTheProxyNames()
    {
        await using var guard = await GuardProcess.StartAsync(
            Token, ("Guard:Limits:RequestsPerClient", "1"), ("Guard:Limits:RequestWindow", "01:00:00"), ("Guard:Gateway:TrustedProxies:0", "127.0.0.9"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var proxy = ClientFrom(guard, "127.0.0.9");
        using var stranger = ClientFrom(guard, "127.0.0.8");

        Assert.Equal(200, (await GetAsync(proxy, actor, "203.0.113.1")).Status);
        Assert.Equal(429, (await GetAsync(proxy, actor, "203.0.113.1")).Status);
        Assert.Equal(200, (await GetAsync(proxy, actor, "203.0.113.2")).Status);

        // Whoever is no trusted proxy cannot be somebody else.
        Assert.Equal(200, (await GetAsync(stranger, actor, "203.0.113.3")).Status);
        Assert.Equal(429, (await GetAsync(stranger, actor, "203.0.113.4")).Status);
    }

    [Fact]
    public async Task WebSocketsPerClient_OneTooMany_IsClosedWithTheCodeAndAPlaceComesBack()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:WebSocketsPerClient", "1"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        runner.OnRequest = WebSocketEcho.AnswerAsync;
        var actor = await guard.Control.CreateActorAsync("default", Token);

        using var first = await OpenAsync(guard, actor);
        using (var second = await OpenAsync(guard, actor))
        {
            var end = await second.ReceiveAsync(new byte[100], Token);
            Assert.Equal((WebSocketMessageType.Close, (WebSocketCloseStatus?)1011), (end.MessageType, second.CloseStatus));
            Assert.StartsWith("guard.rate_limit#", second.CloseStatusDescription, StringComparison.Ordinal);
        }

        first.Abort();
        await UntilAsync(async () => await guard.MetricAsync("guard_websockets", Token) == 0);
        await UntilAsync(async () =>
        {
            // One that is let in hears its own words; one that is not, a close.
            using var third = await OpenAsync(guard, actor);
            await third.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Token);
            return (await third.ReceiveAsync(new byte[100], Token)).MessageType == WebSocketMessageType.Text;
        });
    }

    [Fact]
    public async Task ConnectionsPerClient_OneTooMany_IsClosedUnread()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:ConnectionsPerClient", "3"));
        var open = new List<Socket>();
        for (var i = 0; i < 3; i++)
        {
            open.Add(await ConnectAsync(guard, "127.0.0.2", Token));
            Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(open[^1]), StringComparison.Ordinal);
        }

        Assert.Equal("", await AskOnceAsync(guard, "127.0.0.2"));
        using (var other = await ConnectAsync(guard, "127.0.0.3", Token))
        {
            Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(other), StringComparison.Ordinal);
        }

        open[0].Dispose();
        await UntilAsync(async () => (await AskOnceAsync(guard, "127.0.0.2")).Length > 0);
        Assert.True(await guard.MetricAsync("guard_limit_rejected_total{limit=\"connections\"}", Token) >= 1);
        open.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task WakesPerPool_NamingManyActors_WakesNoMoreThanTheBudget()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:WakesPerPool", "5"), ("Guard:Limits:WakeWindow", "01:00:00"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => SendAsync(
            guard.Client, $"/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=k{i}")));

        Assert.Equal(5, answers.Count(a => a.Status == 200));
        Assert.All(answers.Where(a => a.Status != 200), a => Assert.Equal((503, "guard.hold_limit_reached"), Told(a)));
        Assert.Equal(25, await guard.MetricAsync("guard_hold_rejected_total{scope=\"wakes\"}", Token));
        Assert.Equal(5, answers.Count(a => a.Status == 200));
    }

    [Fact]
    public async Task Headers_TooManyOrTooLong_431()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Limits:MaxRequestHeaders", "20"), ("Guard:Limits:MaxRequestHeaderBytes", "2048"));

        using var many = await ConnectAsync(guard, "127.0.0.1", Token);
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync(many, string.Concat(Enumerable.Range(0, 30).Select(i => $"x-{i}: a\r\n"))), StringComparison.Ordinal);
        using var longs = await ConnectAsync(guard, "127.0.0.1", Token);
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync(longs, $"x: {new string('a', 3000)}\r\n"), StringComparison.Ordinal);
    }

    private static HttpClient ClientFrom(GuardProcess guard, string address)
        => new(new SocketsHttpHandler
        {
            UseProxy = false,
            MaxConnectionsPerServer = int.MaxValue,
            ConnectCallback = async (_, ct) => new NetworkStream(await ConnectAsync(guard, address, ct), ownsSocket: true),
        })
        {
            BaseAddress = guard.Gateway,
        };

    private static async Task<Socket> ConnectAsync(GuardProcess guard, string from, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, guard.Gateway.Port, cancellationToken);
        return socket;
    }

    /// <summary>One request on a connection of its own; nothing when that is closed, which may be before this side sees that it was opened.</summary>
    private static async Task<string> AskOnceAsync(GuardProcess guard, string from)
    {
        try
        {
            using var socket = await ConnectAsync(guard, from, Token);
            return await AskAsync(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return "";
        }
    }

    /// <summary>One request on a bare connection: what came first, or nothing when it was closed.</summary>
    private static async Task<string> AskAsync(Socket socket, string headers = "")
    {
        var buffer = new byte[1024];
        try
        {
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes($"GET /metadata HTTP/1.1\r\nHost: a\r\n{headers}\r\n"), Token);
            return System.Text.Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Token));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static async Task<ClientWebSocket> OpenAsync(GuardProcess guard, string actor)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(guard.Gateway) { Scheme = "ws", Path = $"/gateway/{actor}/ws" }.Uri, Token);
        return socket;
    }

    private static Task<Answer> GetAsync(HttpClient client, string actor, string? forwardedFor = null) => SendAsync(client, $"/gateway/{actor}/hello", forwardedFor);

    private static async Task<Answer> SendAsync(HttpClient client, string path, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (forwardedFor is not null)
        {
            request.Headers.Add("x-forwarded-for", forwardedFor);
        }

        using var reply = await client.SendAsync(request, Token);
        var error = reply.Headers.TryGetValues("x-rivet-error", out var codes) ? codes.Single() : null;
        if (error is not null)
        {
            var body = JsonElement.Parse(await reply.Content.ReadAsStringAsync(Token));
            Assert.True(body.GetProperty("metadata").GetProperty("retry_after_ms").GetInt64() >= 0);
        }

        return new((int)reply.StatusCode, error, reply.Headers.RetryAfter?.Delta?.TotalSeconds);
    }

    private static (int Status, string? Error) Told(Answer answer) => (answer.Status, answer.Error);

    private static Task<TimeSpan> UntilAsync(Func<Task<bool>> condition) => TwoGuards.UntilAsync(condition, "what the test waits for", Token);

    private sealed record Answer(int Status, string? Error, double? RetryAfter);
}
