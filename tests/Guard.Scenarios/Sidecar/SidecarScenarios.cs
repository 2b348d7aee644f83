using System.Net;
using System.Text.Json;
using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Sidecar;

/// <summary>The real binary beside a real application.</summary>
public sealed class SidecarScenarios(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static (string, string)[] Beside(SidecarApplication app, params (string, string)[] more) =>
    [
        ("Guard:Sidecar:Endpoint", app.Endpoint),
        ("Guard:Sidecar:HealthPath", "/health"),
        ("Guard:Sidecar:HealthInterval", "00:00:00.100"),
        ("Guard:Sidecar:Key", "app"),
        ("Guard:Sidecar:Slots", "50"),
        .. more,
    ];

    private static async Task<JsonElement[]> RunnersAsync(GuardProcess guard)
        => [.. (await guard.Control.CallAsync(HttpMethod.Get, "runners?namespace=default", null, Token)).GetProperty("runners").EnumerateArray()];

    private static Task<TimeSpan> RegisteredAsync(GuardProcess guard)
        => TwoGuards.UntilAsync(
            async () => guard.Output.Contains("The application is runner", StringComparison.Ordinal) && (await RunnersAsync(guard)).Length == 1,
            "registered", Token);

    [Fact]
    public async Task App_UnhealthyAtFirst_RequestsAreHeldUntilItIsHealthy()
    {
        await using var app = new SidecarApplication(hasEndpoints: true) { Health = 500 };
        await app.StartAsync(Token);
        await using var guard = await GuardProcess.StartAsync(Token, Beside(app));
        await guard.WaitForOutputAsync("answers 500 (GET /health)", Token);
        await guard.Control.PutPoolAsync("default", Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        var held = TwoGuards.AskAsync(guard, actor, Token);
        await TwoGuards.UntilHeldAsync(guard, 1, Token);

        app.Health = 204;

        Assert.Equal("200 app /hello", await held.WaitAsync(TimeSpan.FromMinutes(2), Token));
        Assert.Equal(["start"], app.Calls);
        var runner = Assert.Single(await RunnersAsync(guard));
        Assert.Equal(("app", app.Endpoint, 50, 1), (Text("key"), Text("endpoint"), Number("total_slots"), Number("version")));

        string Text(string name) => runner.GetProperty(name).GetString()!;
        int Number(string name) => runner.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task App_WithoutStartEndpoints_ImplicitIsReadyAtOnceAndNeverCalled()
    {
        await using var app = new SidecarApplication(hasEndpoints: false);
        await app.StartAsync(Token);
        await using var guard = await GuardProcess.StartAsync(Token, Beside(app, ("Guard:Sidecar:StartMode", "Implicit")));
        await RegisteredAsync(guard);

        var actor = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal("200 app /hello", await TwoGuards.AskAsync(guard, actor, Token));
        using var byKey = await guard.Client.GetAsync(
            new Uri("/gateway/room/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-key=k&rvt-pool=default", UriKind.Relative), Token);
        Assert.Equal("app /x", await byKey.Content.ReadAsStringAsync(Token));
        await guard.Control.CallAsync(HttpMethod.Delete, $"actors/{actor}?namespace=default", null, Token);

        Assert.Empty(app.Calls);
    }

    [Theory]
    [InlineData("POST", true)]
    [InlineData("GET", false)]
    public async Task Drain_Asked_AnswersWhenTheAppHasNoActors(string method, bool hasEndpoints)
    {
        await using var app = new SidecarApplication(hasEndpoints);
        await app.StartAsync(Token);
        await using var guard = await GuardProcess.StartAsync(
            Token, Beside(app, ("Guard:Sidecar:StartMode", hasEndpoints ? "Endpoints" : "Implicit"), ("Guard:Readiness:Timeout", "00:00:06")));
        await RegisteredAsync(guard);
        var actors = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            actors.Add(await guard.Control.CreateActorAsync("default", Token));
            Assert.Equal("200 app /hello", await TwoGuards.AskAsync(guard, actors[^1], Token));
        }

        var since = TimeProvider.System.GetTimestamp();
        await guard.Control.CallAsync(new HttpMethod(method), "sidecar/drain", null, Token);
        var took = TimeProvider.System.GetElapsedTime(since);

        Assert.Empty(await RunnersAsync(guard));
        Assert.Equal(hasEndpoints ? 20 : 0, app.Calls.Count(c => c == "stop"));
        foreach (var actor in actors)
        {
            Assert.Equal(JsonValueKind.Null, (await guard.Control.GetActorAsync(actor, Token)).GetProperty("runner_id").ValueKind);
        }

        // Healthy or not, it stays drained.
        await guard.Control.CallAsync(HttpMethod.Post, "sidecar/drain", null, Token);
        Assert.Equal("503 actor.no_capacity", await TwoGuards.AskAsync(guard, actors[0], Token));
        output.WriteLine($"{method} /sidecar/drain of 20 actors: {took.TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task Drain_WhileItRegisters_NothingIsLeftRegistered()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var slow = new DelayingProxy(redis.Port, TimeSpan.FromMilliseconds(200));
        await using var app = new SidecarApplication(hasEndpoints: true) { Health = 500 };
        await app.StartAsync(Token);
        await using var other = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await other.Control.PutPoolAsync("default", Token);
        await using var guard = await GuardProcess.StartAsync(Token, [.. TwoGuards.OnRedis($"127.0.0.1:{slow.Port}"), .. Beside(app)]);
        await guard.WaitForOutputAsync("answers 500 (GET /health)", Token);

        // The store has the runner 200 ms before its Guard knows: that is when it is told to drain it.
        app.Health = 200;
        await TwoGuards.UntilAsync(async () => (await RunnersAsync(other)).Length == 1, "registered", Token);
        await guard.Control.CallAsync(HttpMethod.Post, "sidecar/drain", null, Token);
        var said = guard.Output;

        Assert.Contains("The application is runner", said, StringComparison.Ordinal);
        Assert.Empty(await RunnersAsync(other));
    }

    [Fact]
    public async Task Sigterm_AppHasActors_DrainedBeforeTheEnd()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var app = new SidecarApplication(hasEndpoints: true);
        await app.StartAsync(Token);
        await using var other = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await using var guard = await GuardProcess.StartAsync(Token, [.. TwoGuards.OnRedis(redis.Address), .. Beside(app)]);
        await RegisteredAsync(guard);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal("200 app /hello", await TwoGuards.AskAsync(other, actor, Token));

        Assert.Equal(0, await guard.TerminateAsync(Token));

        Assert.Equal(["start", "stop"], app.Calls);
        Assert.Contains("The application is drained", guard.Output, StringComparison.Ordinal);
        Assert.Empty(await RunnersAsync(other));
        Assert.False((await other.Control.GetActorAsync(actor, Token)).TryGetProperty("error", out _));
    }

    [Fact]
    public async Task App_KilledAndBack_LostThenServedAgain()
    {
        await using var app = new SidecarApplication(hasEndpoints: true);
        await app.StartAsync(Token);
        await using var guard = await GuardProcess.StartAsync(
            Token, Beside(app, ("Guard:Runners:EligibleAfter", "00:00:01"), ("Guard:Runners:LostAfter", "00:00:02")));
        await RegisteredAsync(guard);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        Assert.Equal("200 app /hello", await TwoGuards.AskAsync(guard, actor, Token));

        await app.KillAsync();
        await TwoGuards.UntilAsync(async () => (await RunnersAsync(guard)).Length == 0, "lost", Token);
        Assert.True((await guard.Control.GetActorAsync(actor, Token)).GetProperty("error").TryGetProperty("runner_connection_lost", out _));
        var held = TwoGuards.AskAsync(guard, actor, Token);
        await TwoGuards.UntilHeldAsync(guard, 1, Token);
        await app.StartAsync(Token);

        Assert.Equal("200 app /hello", await held.WaitAsync(TimeSpan.FromMinutes(2), Token));
        Assert.Equal(2, (await guard.Control.GetActorAsync(actor, Token)).GetProperty("generation").GetInt32());
    }

    [Fact]
    public async Task Heartbeats_LongerThanLostAfter_TheRunnerIsTheSame()
    {
        await using var app = new SidecarApplication(hasEndpoints: true);
        await app.StartAsync(Token);
        await using var guard = await GuardProcess.StartAsync(
            Token, Beside(app, ("Guard:Runners:EligibleAfter", "00:00:01"), ("Guard:Runners:LostAfter", "00:00:02")));
        await RegisteredAsync(guard);
        var before = (await RunnersAsync(guard))[0].GetProperty("runner_id").GetString();
        JsonElement runner = default;

        // Heard of for longer than it would have lived without a heartbeat.
        await TwoGuards.UntilAsync(
            async () =>
            {
                runner = Assert.Single(await RunnersAsync(guard));
                return runner.GetProperty("last_ping_ts").GetInt64() - runner.GetProperty("create_ts").GetInt64() >= 3000;
            },
            "heartbeats for longer than LostAfter", Token);

        Assert.Equal(before, runner.GetProperty("runner_id").GetString());
    }

    [Fact]
    public async Task Drain_NoSidecar_IsNotThere()
    {
        await using var guard = await GuardProcess.StartAsync(Token);

        using var reply = await guard.Control.SendAsync(HttpMethod.Post, "sidecar/drain", null, Token);

        Assert.Equal(HttpStatusCode.NotFound, reply.StatusCode);
    }

    [Fact]
    public async Task Endpoint_GuardItself_SaidAndNotRegistered()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Sidecar:HealthPath", "/healthz"), ("Guard:Sidecar:Endpoint", "http://127.0.0.1:6429"), ("Kestrel:Endpoints:Health:Url", "http://127.0.0.1:6429"));

        await guard.WaitForOutputAsync("The application at http://127.0.0.1:6429", Token);

        Assert.DoesNotContain("The application is runner", guard.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Endpoint", "ftp://127.0.0.1")]
    [InlineData("Endpoint", "http://user:s3cret@127.0.0.1")]
    [InlineData("Namespace", "No Label")]
    [InlineData("Slots", "0")]
    [InlineData("HealthPath", "health")]
    [InlineData("HealthInterval", "00:00:04")]
    [InlineData("StartMode", "Sometimes")]
    public async Task Option_NotAllowed_OneLineNamesIt(string name, string value)
    {
        var (exitCode, text) = await GuardProcess.RunToEndAsync(
            Token, ("Guard:Sidecar:Endpoint", "http://127.0.0.1:8080"), ($"Guard:Sidecar:{name}", value));

        Assert.Equal(2, exitCode);
        Assert.Contains($"Guard:Sidecar:{name}", Assert.Single(text.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
    }
}
