using System.Net.WebSockets;
using System.Security.Cryptography;
using Guard.Core.Request.Admission;
using Guard.Model.Ids;
using Guard.Scenarios.Support;
using Guard.TestSupport;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Guard.Scenarios.Edge;

/// <summary>Clients' tokens on the real binary, with a runner that shows what reaches it.</summary>
public sealed class TokenScenarios
{
    private const string Good = "tok-of-games-1";
    private const string Other = "tok-of-work-2";
    private const string Root = "tok-of-all-3";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Static_EveryFormAndToken_AnsweredBeforeAnyWakeAndNothingLeaks()
    {
        await using var guard = await GuardProcess.StartAsync(
            Token,
            ("Guard:Auth:Mode", "Static"),
            ("Guard:Auth:Tokens:0", $"games={TokenHash.Format(Good)}"),
            ("Guard:Auth:Tokens:1", $"work={TokenHash.Format(Other)}"),
            ("Guard:Auth:Tokens:2", $"*={TokenHash.Format(Root)}"),
            ("Logging:LogLevel:Default", "Trace"));
        await guard.Control.PutPoolAsync("lobby", Token, @namespace: "games");
        await guard.Control.PutPoolAsync("desk", Token, @namespace: "work");
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings("lobby", "games"), Token);
        runner.OnRequest = WebSocketEcho.AnswerAsync;
        var actor = await guard.Control.CreateActorAsync("lobby", Token, key: "k", @namespace: "games");
        var hidden = await guard.Control.CreateActorAsync("desk", Token, key: "k", @namespace: "work");
        var unknown = ActorId.New(1).ToString();

        // Missing and bad, in each form: 401, whatever it names.
        foreach (var id in new[] { actor, hidden, unknown })
        {
            Assert.Equal("401 api.unauthorized", await GetAsync(guard, $"/gateway/{id}/x"));
            Assert.Equal("401 api.unauthorized", await GetAsync(guard, $"/gateway/{id}@wrong/x"));
            Assert.Equal("401 api.unauthorized", await GetAsync(guard, $"/gateway/{id}/x", "wrong"));
        }

        Assert.Equal("401 api.unauthorized", await GetAsync(guard, Query("games", "get", "k")));
        Assert.Equal("401 api.unauthorized", await GetAsync(guard, Query("games", "get", "k") + "&rvt-token=wrong"));
        Assert.Equal("401 api.unauthorized", await GetAsync(guard, Query("games", "getOrCreate", "new") + "&rvt-pool=lobby"));
        Assert.Equal(0, runner.StartsOf(actor));

        // Another namespace's token: 403, and an actor there looks as one that does not exist.
        Assert.Equal("403 api.forbidden", await GetAsync(guard, $"/gateway/{actor}/x", Other));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, $"/gateway/{hidden}/x", Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, $"/gateway/{unknown}/x", Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, $"/gateway/{unknown}/x", Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, Query("work", "get", "k"), Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, Query("work", "get", "none"), Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, Query("nowhere", "get", "none"), Good));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, Query("games", "getOrCreate", "new") + "&rvt-pool=lobby", Other));
        Assert.Equal(0, runner.StartsOf(actor));
        Assert.Equal(0, await CountActorsAsync(guard, "new"));

        // In scope it may be said that there is none.
        Assert.Equal("404 actor.not_found", await GetAsync(guard, Query("games", "get", "none"), Good));
        Assert.Equal("404 actor.not_found", await GetAsync(guard, $"/gateway/{unknown}/x", Root));

        // Good, in each form; the runner never sees it.
        Assert.Equal("200 /header", await GetAsync(guard, $"/gateway/{actor}/header", Good));
        Assert.Equal("200 /path", await GetAsync(guard, $"/gateway/{actor}@{Good}/path"));
        Assert.Equal("200 /x", await GetAsync(guard, Query("games", "get", "k") + $"&rvt-token={Good}"));
        Assert.Equal("200 /x", await GetAsync(guard, Query("games", "getOrCreate", "new") + "&rvt-pool=lobby", Good));
        Assert.Equal("200 /root", await GetAsync(guard, $"/gateway/{actor}/root", Root));
        Assert.All(runner.Deliveries, delivery => Assert.DoesNotContain("tok-of", delivery, StringComparison.Ordinal));

        // A WebSocket with its token among the subprotocols; the 101 does not tell it back.
        using var socket = new ClientWebSocket();
        foreach (var protocol in new[] { "rivet", "rivet_target.actor", $"rivet_actor.{actor}", $"rivet_token.{Good}" })
        {
            socket.Options.AddSubProtocol(protocol);
        }

        await socket.ConnectAsync(new UriBuilder(guard.Gateway) { Scheme = "ws", Path = "/ws" }.Uri, Token);
        Assert.Equal("rivet", socket.SubProtocol);

        Assert.Equal(0, await guard.MetricAsync("guard_auth_failures_total{reason=\"expired\"}", Token));
        Assert.True(await guard.MetricAsync("guard_auth_failures_total{reason=\"missing\"}", Token) >= 5);
        Assert.True(await guard.MetricAsync("guard_auth_failures_total{reason=\"invalid\"}", Token) >= 7);
        Assert.True(await guard.MetricAsync("guard_auth_failures_total{reason=\"out_of_scope\"}", Token) >= 8);
        Assert.DoesNotContain("tok-of", guard.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("tok-of", await guard.Control.Client.GetStringAsync("metrics", Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jwt_SignedByTheIssuer_ItsClaimsAreItsScope()
    {
        using var key = RSA.Create(2048);
        var keyFile = Path.GetTempFileName();
        await File.WriteAllTextAsync(keyFile, key.ExportSubjectPublicKeyInfoPem(), Token);
        await using var guard = await GuardProcess.StartAsync(
            Token, ("Guard:Auth:Mode", "Jwt"), ("Guard:Auth:Jwt:Issuer", "https://issuer"), ("Guard:Auth:Jwt:Audience", "guard"), ("Guard:Auth:Jwt:KeyFile", keyFile));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var blue = await guard.Control.CreateActorAsync("default", Token, key: "blue", name: "room");
        var red = await guard.Control.CreateActorAsync("default", Token, key: "red", name: "room");
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "https://issuer",
            Audience = "guard",
            Claims = new Dictionary<string, object> { ["namespaces"] = new[] { "default" }, ["actors"] = new[] { "room/blue" } },
            SigningCredentials = new(new RsaSecurityKey(key), SecurityAlgorithms.RsaSha256),
        });

        Assert.Equal("200 /x", await GetAsync(guard, $"/gateway/{blue}/x", token));
        Assert.Equal("200 /x", await GetAsync(guard, $"/gateway/{blue}/x", token));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, $"/gateway/{red}/x", token));
        Assert.Equal(0, runner.StartsOf(red));
        Assert.Equal("403 api.forbidden", await GetAsync(guard, "/gateway/room/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=default&rvt-key=green", token));
        Assert.Equal("401 api.unauthorized", await GetAsync(guard, $"/gateway/{blue}/x", token[..^4] + "AAAA"));
        File.Delete(keyFile);
    }

    [Fact]
    public async Task ControlTokens_SeveralHashedAndForReading_MayDoWhatTheyAreFor()
    {
        await using var guard = await GuardProcess.StartAsync(
            Token,
            ("Guard:Control:Token", "first"),
            ("Guard:Control:Tokens:0", TokenHash.Format("second")),
            ("Guard:Control:ReadTokens:0", "dashboard"));

        foreach (var (bearer, read, write) in new[] { ("first", 200, 200), ("second", 200, 200), ("dashboard", 200, 403), (TokenHash.Format("second"), 401, 401) })
        {
            Assert.Equal(write, await CallAsync(HttpMethod.Put, "runner-configs/p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", bearer));
            Assert.Equal(read, await CallAsync(HttpMethod.Get, "runner-configs?namespace=n", null, bearer));
        }

        async Task<int> CallAsync(HttpMethod method, string path, string? json, string bearer)
        {
            using var request = new HttpRequestMessage(method, path);
            request.Headers.Authorization = new("Bearer", bearer);
            request.Content = json is null ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");
            using var reply = await guard.Control.Client.SendAsync(request, Token);
            return (int)reply.StatusCode;
        }
    }

    [Theory]
    [InlineData("Guard:Auth:Mode", "Static", "Guard:Auth:Tokens")]
    [InlineData("Guard:Auth:Mode", "Jwt", "Guard:Auth:Jwt:Issuer")]
    [InlineData("Guard:Auth:Tokens:0", "games=plain-secret", "Guard:Auth:Tokens:0")]
    [InlineData("Guard:Limits:ShedHoldsAt", "99", "Guard:Limits:ShedHoldsAt")]
    public async Task Option_NotAllowed_OneLineNamesItAndNoSecret(string key, string value, string says)
    {
        var (exitCode, output) = await GuardProcess.RunToEndAsync(Token, (key, value));

        Assert.Equal(2, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.DoesNotContain("plain-secret", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash-token", "abc", 0, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("hash-token games", "abc", 0, "games=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("hash-token *", "abc", 0, "*=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("hash-token Not_A_Label", "abc", 2, "")]
    [InlineData("hash-token", "", 2, "")]
    [InlineData("hash-token", "two words", 2, "")]
    public async Task HashToken_Lines_PrintsWhatGoesIntoTheConfiguration(string arguments, string token, int exitCode, string printed)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();

        Assert.Equal(exitCode, await Auth.HashTokenCommand.RunAsync(arguments.Split(' '), new StringReader(token), output, errors));

        Assert.Equal(printed, output.ToString().TrimEnd());
        Assert.Equal(exitCode != 0, errors.ToString().Length > 0);
        Assert.DoesNotContain(token.Length > 0 ? token : "\0", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WebSocket_OriginThatMayNotRead_IsClosedAndNothingReachesTheRunner()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Gateway:Cors:AllowedOrigins:0", "https://app.example"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        runner.OnRequest = WebSocketEcho.AnswerAsync;
        var actor = await guard.Control.CreateActorAsync("default", Token);

        foreach (var origin in new[] { "https://evil.example", "null" })
        {
            using var refused = await OpenAsync(origin);
            Assert.Equal(WebSocketMessageType.Close, (await refused.ReceiveAsync(new byte[100], Token)).MessageType);
            Assert.StartsWith("api.forbidden#", refused.CloseStatusDescription, StringComparison.Ordinal);
        }

        Assert.Empty(runner.Deliveries);
        Assert.Equal(0, runner.StartsOf(actor));
        using var welcome = await OpenAsync("https://app.example");
        using var program = await OpenAsync(null);
        Assert.Equal(2, runner.Deliveries.Count);

        async Task<ClientWebSocket> OpenAsync(string? origin)
        {
            var socket = new ClientWebSocket();
            if (origin is not null)
            {
                socket.Options.SetRequestHeader("Origin", origin);
            }

            await socket.ConnectAsync(new UriBuilder(guard.Gateway) { Scheme = "ws", Path = $"/gateway/{actor}/ws" }.Uri, Token);
            return socket;
        }
    }

    private static string Query(string @namespace, string method, string key) => $"/gateway/counter/x?rvt-namespace={@namespace}&rvt-method={method}&rvt-key={key}";

    private static async Task<int> CountActorsAsync(GuardProcess guard, string key)
        => (await guard.Control.CallAsync(HttpMethod.Get, $"actors?namespace=games&name=counter&key={key}", null, Token)).GetProperty("actors").GetArrayLength();

    private static async Task<string> GetAsync(GuardProcess guard, string path, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
        {
            request.Headers.Add("x-rivet-token", token);
        }

        using var reply = await guard.Client.SendAsync(request, Token);
        return $"{(int)reply.StatusCode} {(reply.Headers.TryGetValues("x-rivet-error", out var error) ? error.Single() : await reply.Content.ReadAsStringAsync(Token))}";
    }
}
