using System.Globalization;
using System.Net;
using Guard.Scenarios.Replicas;
using Guard.TestSupport;

namespace Guard.Scenarios.Serverless;

/// <summary>Real Guards, a real Redis where there are two of them, and functions on real sockets.</summary>
public sealed class ServerlessScenarios(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task PutAsync(GuardProcess guard, FunctionPlatform platform, string serverless = "\"slots_per_runner\":10")
        => await guard.Control.CallAsync(
            HttpMethod.Put,
            "runner-configs/fn?namespace=default",
            "{\"datacenters\":{\"default\":{\"serverless\":{\"url\":\"" + platform.Url + "\",\"request_lifespan\":3600," + serverless + "}}}}",
            Token);

    private static async Task<string[]> CreateAsync(GuardProcess guard, int count)
    {
        var ids = new string[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = await guard.Control.CreateActorAsync("fn", Token, key: $"k{i}");
        }

        return ids;
    }

    private static Task<TimeSpan> UntilAsync(Func<bool> holds, string what)
        => TwoGuards.UntilAsync(() => Task.FromResult(holds()), what, Token);

    /// <summary>Slots in use on the runners that live.</summary>
    private static async Task<int> SlotsInUseAsync(GuardProcess guard)
        => (await guard.Control.CallAsync(HttpMethod.Get, "runners?namespace=default&name=fn&limit=1000", null, Token))
            .GetProperty("runners").EnumerateArray().Sum(r => r.GetProperty("total_slots").GetInt32() - r.GetProperty("remaining_slots").GetInt32());

    private static async Task<bool> ManagesAsync(GuardProcess guard)
        => await guard.MetricAsync("""guard_serverless_connections{namespace="default",pool="fn"}""", Token) > 0;

    [Fact]
    public async Task Burst_ThousandRequestsForTwoHundredActorsOfAColdPool_TwentyConnectsAndScaledDownAfterwards()
    {
        await using var platform = await FunctionPlatform.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token);
        await PutAsync(guard, platform);
        var actors = await CreateAsync(guard, 200);

        var since = TimeProvider.System.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => TwoGuards.AskAsync(guard, actors[i % 200], Token)));
        output.WriteLine($"1,000 requests for 200 actors: all answered after {TimeProvider.System.GetElapsedTime(since).TotalSeconds:0.00} s, {platform.Connects} connects");

        Assert.All(answers, a => Assert.Equal("200 /hello", a));
        Assert.Equal((20, 20, 200), (platform.Connects, platform.Open, platform.Starts));
        Assert.Equal(200, await SlotsInUseAsync(guard));

        foreach (var actor in actors)
        {
            await guard.Control.CallAsync(HttpMethod.Delete, $"actors/{actor}?namespace=default", null, Token);
        }

        var down = await UntilAsync(() => platform.Open == 0, "every connection closed");
        output.WriteLine($"scaled to none {down.TotalSeconds:0.0} s after the last actor left");
        Assert.Equal(20, platform.Connects);
    }

    [Fact]
    public async Task Endpoint_BrokenThenHeals_FailsFastThenServesWithinAProbeIntervalAndTurnsGreen()
    {
        await using var platform = await FunctionPlatform.StartAsync();
        platform.Status = 500;
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:FailFast:ProbeInterval", "00:00:02"));
        await PutAsync(guard, platform);
        var actors = await CreateAsync(guard, 3);

        using (var first = await guard.Client.GetAsync(new Uri($"/gateway/{actors[0]}/hello", UriKind.Relative), Token))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, first.StatusCode);
            Assert.Equal("guard.actor_runner_failed", first.Headers.GetValues("x-rivet-error").Single());
            Assert.Contains("\"pool_error\":{\"type\":\"serverless_http_error\",\"status_code\":500}", await first.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);

            // The next connect comes within 2 s, and so does the next probe.
            Assert.InRange(int.Parse(first.Headers.GetValues("retry-after").Single(), CultureInfo.InvariantCulture), 1, 2);
        }

        platform.Status = 200;
        var healed = await TwoGuards.UntilAsync(
            async () => await TwoGuards.AskAsync(guard, actors[0], Token) == "200 /hello", "served again", Token);
        output.WriteLine($"served {healed.TotalSeconds:0.0} s after the endpoint healed (probes every 2 s)");
        await TwoGuards.UntilAsync(
            async () => await TwoGuards.AskAsync(guard, actors[1], Token) == "200 /hello", "the second", Token);
        var health = await guard.Control.CallAsync(HttpMethod.Get, "pool-health/fn?namespace=default", null, Token);
        Assert.Equal("green", health.GetProperty("state").GetString());
    }

    [Fact]
    public async Task Manager_Killed_AnotherTakesOverAndTheActorsComeBack()
    {
        await using var platform = await FunctionPlatform.StartAsync();
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await PutAsync(guards.A, platform);
        var actors = await CreateAsync(guards.A, 20);
        var before = await Task.WhenAll(actors.Select(a => TwoGuards.AskAsync(guards.B, a, Token)));
        Assert.All(before, a => Assert.Equal("200 /hello", a));
        Assert.Equal((2, 2), (platform.Connects, platform.Open));
        var (manager, other) = await ManagesAsync(guards.A) ? (guards.A, guards.B) : (guards.B, guards.A);

        await manager.KillAsync(Token);
        var killed = TimeProvider.System.GetTimestamp();

        // The platform's process lives on and serves them until the other Guard has found the first one dead.
        await TwoGuards.UntilAsync(
            async () => (await Task.WhenAll(actors.Select(a => TwoGuards.AskAsync(other, a, Token)))).All(a => a == "200 /hello") && platform.Starts == 40,
            "every actor started anew and served", Token);
        output.WriteLine($"manager killed: every actor served by the other {TimeProvider.System.GetElapsedTime(killed).TotalSeconds:0.0} s later, {platform.Connects} connects");

        Assert.Equal((4, 2), (platform.Connects, platform.Open));
        Assert.Equal(20, await SlotsInUseAsync(other));
        Assert.True(await ManagesAsync(other));
    }

    [Fact]
    public async Task Manager_ToldToEnd_HandsOverWithoutAFailedRequest()
    {
        await using var platform = await FunctionPlatform.StartAsync();
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token, ("Guard:Shutdown:Delay", "00:00:05"));
        await PutAsync(guards.A, platform);
        var actors = await CreateAsync(guards.A, 20);
        Assert.All(await Task.WhenAll(actors.Select(a => TwoGuards.AskAsync(guards.B, a, Token))), a => Assert.Equal("200 /hello", a));
        var (manager, other) = await ManagesAsync(guards.A) ? (guards.A, guards.B) : (guards.B, guards.A);

        var ending = manager.TerminateAsync(Token);
        var (asked, failed) = (0, new List<string>());
        while (!ending.IsCompleted)
        {
            foreach (var answer in await Task.WhenAll(actors.Select(a => TwoGuards.AskAsync(other, a, Token))))
            {
                asked++;
                if (answer != "200 /hello")
                {
                    failed.Add(answer);
                }
            }
        }

        output.WriteLine($"manager told to end: {asked} requests meanwhile, {failed.Count} failed, {platform.Connects} connects, at most {platform.Peak} open");
        Assert.Empty(failed);
        Assert.Equal(0, await ending);
        Assert.Contains("pools are left to other Guards", manager.Output, StringComparison.Ordinal);
        Assert.Equal((4, 2, 4), (platform.Connects, platform.Open, platform.Peak));
        Assert.Equal(20, await SlotsInUseAsync(other));
    }
}
