using System.Net;
using Guard.Model.Ids;
using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Faults;

/// <summary>A real Redis that fails under real Guards: what is cached is served on, nobody is lost by it, and everything is well again
/// soon after it is back, without a restart.</summary>
public sealed class StoreOutageScenarios(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public enum Fault
    {
        Killed,
        Frozen,
        Paused,
    }

    [Theory]
    [InlineData(Fault.Killed, 10)]
    [InlineData(Fault.Frozen, 5)]
    [InlineData(Fault.Paused, 4)]
    public async Task Redis_AwayUnderLoad_CachedRoutesAreServedOnAndAllIsWellAfter(Fault fault, int seconds)
    {
        await using var guards = await TwoGuards.StartAsync(
            await RedisServer.StartDurableAsync(), Token,
            ("Guard:Runners:EligibleAfter", "00:00:02"), ("Guard:Runners:LostAfter", "00:00:03"), ("Guard:RouteCache:Ttl", "00:00:01"),
            ("Guard:Readiness:Timeout", "00:30:00"), ("Guard:Store:Redis:CallTimeout", "00:00:01"));
        await using var runner = await ScriptedRunner.StartAsync(guards.A.ControlAddress, new RunnerSettings(), Token);
        var ready = await guards.A.Control.CreateActorAsync("default", Token, key: "ready");
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guards.A, ready, Token));
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guards.B, ready, Token));
        var sleeping = await guards.A.Control.CreateActorAsync("default", Token, key: "sleeping");

        // Written at least a second before a kill: the append-only file is synced each second.
        await Task.Delay(TimeSpan.FromSeconds(1.2), TimeProvider.System, Token);
        using var enough = new CancellationTokenSource();
        var load = new[] { guards.A, guards.B }.SelectMany(g => Enumerable.Range(0, 8).Select(_ => LoadAsync(g, ready, enough.Token))).ToArray();
        var gone = TimeProvider.System.GetTimestamp();
        var failing = FailAsync(guards.Redis, fault, seconds);
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Token);
        var waking = TwoGuards.AskAsync(guards.B, sleeping, Token);
        var missing = TwoGuards.AskAsync(guards.A, ActorId.New(1).ToString(), Token);
        await TwoGuards.UntilAsync(() => IsDegradedAsync(guards.B), "degraded", Token);
        await TwoGuards.UntilAsync(() => IsDegradedAsync(guards.A), "degraded", Token);
        Assert.Equal(0, await guards.B.MetricAsync("guard_store_up", Token));
        Assert.Equal(HttpStatusCode.OK, (await guards.B.Control.Client.GetAsync("readyz", Token)).StatusCode);
        using var heartbeat = await guards.A.Control.SendAsync(HttpMethod.Post, $"runners/{runner.RunnerId}/heartbeat", null, Token);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "guard.service_unavailable"), (heartbeat.StatusCode, heartbeat.Headers.GetValues("x-rivet-error").Single()));
        var left = TimeSpan.FromSeconds(seconds) - TimeProvider.System.GetElapsedTime(gone);
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, TimeProvider.System, Token);
        Assert.False(waking.IsCompleted, "a new wake waits for the store");
        Assert.False(missing.IsCompleted, "never 404 while the store is away");

        await RecoverAsync(guards.Redis, fault, failing);
        var back = TimeProvider.System.GetTimestamp();
        foreach (var guard in new[] { guards.A, guards.B })
        {
            await TwoGuards.UntilAsync(async () => !await IsDegradedAsync(guard), "well again", Token);
        }

        var well = TimeProvider.System.GetElapsedTime(back);
        Assert.Equal("200 /hello", await waking.WaitAsync(TimeSpan.FromMinutes(2), Token));
        Assert.Equal("404 actor.not_found", await missing.WaitAsync(TimeSpan.FromMinutes(2), Token));
        var answered = TimeProvider.System.GetElapsedTime(back);

        // The outage was longer than LostAfter, and so is this.
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Token);
        await enough.CancelAsync();
        var times = (await Task.WhenAll(load)).SelectMany(t => t).Order().ToArray();
        output.WriteLine(
            $"{fault} for {seconds} s: {times.Length} requests on cached routes, none failed, p50 {times[times.Length / 2]:0.0} ms, p99 {times[times.Length * 99 / 100]:0.0} ms, longest {times[^1]:0} ms; "
            + $"well {well.TotalSeconds:0.0} s after Redis was back, held requests answered {answered.TotalSeconds:0.0} s after");
        Assert.True(times.Length > 100);
        Assert.Equal(1, runner.StartsOf(ready));
        Assert.Equal(0, runner.StopsOf(ready));
        Assert.Equal(1, runner.StartsOf(sleeping));
        var lives = await guards.A.Control.CallAsync(HttpMethod.Get, "runners?namespace=default", null, Token);
        Assert.Equal(runner.RunnerId, Assert.Single(lives.GetProperty("runners").EnumerateArray()).GetProperty("runner_id").GetString());
    }

    [Fact]
    public async Task Redis_AwayForOneRequest_HoldsItAndSaysServiceUnavailable()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartDurableAsync(), Token, ("Guard:Readiness:Timeout", "00:00:04"));
        await using var runner = await ScriptedRunner.StartAsync(guards.A.ControlAddress, new RunnerSettings(), Token);

        // How soon Redis is back is the machine's business: whoever holds until then must not give up first.
        await using var patient = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(guards.Redis.Address));
        var late = await guards.A.Control.CreateActorAsync("default", Token, key: "late");
        var never = await guards.A.Control.CreateActorAsync("default", Token, key: "never");
        await Task.Delay(TimeSpan.FromSeconds(1.2), TimeProvider.System, Token);
        await guards.Redis.KillAsync();

        var arrived = TimeProvider.System.GetTimestamp();
        Assert.Equal("503 guard.service_unavailable", await TwoGuards.AskAsync(guards.B, never, Token));
        var waited = TimeProvider.System.GetElapsedTime(arrived).TotalSeconds;
        Assert.True(waited > 3.9, $"{waited} s is before the limit");

        var held = TwoGuards.AskAsync(patient, late, Token);
        await TwoGuards.UntilHeldAsync(patient, 1, Token);
        await guards.Redis.StartAgainAsync();

        Assert.Equal("200 /hello", await held.WaitAsync(TimeSpan.FromMinutes(2), Token));
        output.WriteLine($"uncached route, Redis away: 503 after {waited:0.0} s (Readiness:Timeout 4 s)");
    }

    [Fact]
    public async Task Redis_UnreachableAtStart_GuardListensAndBecomesReadyWhenItIsThere()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using var guard = await GuardProcess.StartUnreadyAsync(
            Token, [.. TwoGuards.OnRedis(redis.Address), ("Guard:Seed:File", Repository.PathOf("config/seed.json")), ("Guard:Readiness:Timeout", "00:00:02")]);

        using var notReady = await guard.Control.Client.GetAsync("readyz", Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, notReady.StatusCode);
        Assert.Contains("store_not_seen", await notReady.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Equal("503 guard.service_unavailable", await TwoGuards.AskAsync(guard, ActorId.New(1).ToString(), Token));

        await redis.StartAgainAsync();
        var took = await TwoGuards.UntilAsync(
            async () => (await guard.Control.Client.GetAsync("readyz", Token)).IsSuccessStatusCode, "ready", Token);

        var actors = await guard.Control.CallAsync(HttpMethod.Get, "actors?namespace=default&name=counter&key=k1", null, Token);
        Assert.Single(actors.GetProperty("actors").EnumerateArray());
        output.WriteLine($"Redis unreachable at start: ready, seed loaded, {took.TotalSeconds:0.0} s after it was there");
    }

    [Fact]
    public async Task Redis_RestartedWithoutItsData_RunnersAndPoolsComeBack()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await using var runner = await ScriptedRunner.StartAsync(guards.A.ControlAddress, new RunnerSettings(), Token);
        var lost = await guards.A.Control.CreateActorAsync("default", Token, key: "lost");
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guards.B, lost, Token));
        await guards.A.Control.ReportPoolErrorAsync("default", Token);

        await guards.Redis.KillAsync();
        guards.Redis.DropData();
        await guards.Redis.StartAgainAsync();
        await TwoGuards.UntilAsync(
            async () =>
            {
                using var put = await guards.B.Control.SendAsync(
                    HttpMethod.Put, "runner-configs/default?namespace=default", """{"datacenters":{"default":{"normal":{}}}}""", Token);
                return put.IsSuccessStatusCode;
            },
            "configured", Token);
        await TwoGuards.UntilAsync(
            async () => (await guards.B.Control.CallAsync(HttpMethod.Get, "runners?namespace=default", null, Token)).GetProperty("runners").GetArrayLength() == 1,
            "registered again", Token);

        // Unknown is green again, and the actor is gone with the data.
        var anew = await guards.B.Control.CreateActorAsync("default", Token, key: "lost");
        Assert.NotEqual(lost, anew);
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guards.B, anew, Token).WaitAsync(TimeSpan.FromMinutes(2), Token));
        await TwoGuards.UntilAsync(async () => await TwoGuards.AskAsync(guards.A, lost, Token) == "404 actor.not_found", "forgotten", Token);
    }

    [Fact]
    public async Task Redis_Slow_IsUpAndNotAskedForACachedRoute()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var slow = new DelayingProxy(redis.Port, TimeSpan.FromMilliseconds(100));
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis($"127.0.0.1:{slow.Port}"));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token, key: "slow");

        var asked = TimeProvider.System.GetTimestamp();
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, actor, Token).WaitAsync(TimeSpan.FromMinutes(2), Token));
        var cold = TimeProvider.System.GetElapsedTime(asked);
        output.WriteLine($"200 ms per call to Redis: woken in {cold.TotalSeconds:0.0} s");
        Assert.Equal(1, await guard.MetricAsync("guard_store_up", Token));
        Assert.DoesNotContain("Contact with Redis is lost", guard.Output, StringComparison.Ordinal);

        // Nothing is asked of it for a route that is cached: such a request is answered while it does not answer at all.
        redis.Freeze();
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, actor, Token));
        redis.Thaw();
    }

    private static async Task<bool> IsDegradedAsync(GuardProcess guard)
        => await guard.MetricAsync("guard_degraded{reason=\"store_unavailable\"}", Token) == 1;

    /// <summary>Asks one after the other until it is enough; how long each took in ms, all of them answered by the actor.</summary>
    private static async Task<List<double>> LoadAsync(GuardProcess guard, string actor, CancellationToken enough)
    {
        var times = new List<double>();
        while (!enough.IsCancellationRequested)
        {
            var asked = TimeProvider.System.GetTimestamp();
            Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, actor, Token));
            times.Add(TimeProvider.System.GetElapsedTime(asked).TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Token);
        }

        return times;
    }

    private static async Task FailAsync(RedisServer redis, Fault fault, int seconds)
    {
        switch (fault)
        {
            case Fault.Killed:
                await redis.KillAsync();
                break;
            case Fault.Frozen:
                redis.Freeze();
                break;
            case Fault.Paused:
                // It ends by itself; whoever asked for it is paused as well.
                await redis.AskAsync("CLIENT", "PAUSE", $"{seconds * 1000}", "ALL");
                break;
        }
    }

    private static async Task RecoverAsync(RedisServer redis, Fault fault, Task failing)
    {
        switch (fault)
        {
            case Fault.Killed:
                await redis.StartAgainAsync();
                break;
            case Fault.Frozen:
                redis.Thaw();
                break;
            case Fault.Paused:
                await failing;
                break;
        }
    }
}
