using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Replicas;

/// <summary>What two Guards on one Redis agree on. The figures are written to the test's output; bench/load measures them.</summary>
public sealed class TwoGuardScenarios(ITestOutputHelper output)
{
    private const int Actors = 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, "01:00:00")] // no poll ends them while anybody waits: the push does
    [InlineData(false, "00:00:02")]
    public async Task PoolError_ReportedToOne_EndsTwoThousandHeldOnTheOther(bool push, string pollInterval)
    {
        const int held = 2000;
        await using var guards = await TwoGuards.StartAsync(
            await RedisServer.StartAsync(), Token,
            ("Guard:FailFast:Push", push ? "true" : "false"), ("Guard:FailFast:PollInterval", pollInterval), ("Guard:Readiness:Timeout", "00:30:00"));
        var actors = await CreateActorsAsync(guards.A);
        var ended = new long[held];
        var requests = Hold(guards.B, actors, held, ended);
        await TwoGuards.UntilHeldAsync(guards.B, held, Token);

        // Past CheckDelay for everyone: a report then ends them at once.
        await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System, Token);
        var reported = TimeProvider.System.GetTimestamp();
        await guards.A.Control.ReportPoolErrorAsync("default", Token);
        var answers = await Task.WhenAll(requests);

        Assert.All(answers, a => Assert.Equal("503 guard.actor_runner_failed", a));
        var times = ended.Select(e => TimeProvider.System.GetElapsedTime(reported, e).TotalMilliseconds).Order().ToArray();
        output.WriteLine($"push={push}: error reported through A, {held} held on B: p50 {times[held / 2]:0} ms, p99 {times[held * 99 / 100]:0} ms, last {times[^1]:0} ms");
    }

    [Fact]
    public async Task AllGuards_Restarted_APoolsErrorIsKnownToTheNewOnes()
    {
        await using var redis = await RedisServer.StartAsync();
        string actor;
        await using (var before = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address)))
        {
            await before.Control.PutPoolAsync("default", Token);
            actor = await before.Control.CreateActorAsync("default", Token);
            await before.Control.ReportPoolErrorAsync("default", Token);
            await before.KillAsync(Token);
        }

        await using var after = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        var health = await after.Control.CallAsync(HttpMethod.Get, "pool-health/default?namespace=default", null, Token);
        Assert.Equal("red", health.GetProperty("state").GetString());

        // One request is the probe; the pool is known red to the next.
        using var left = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var probe = TwoGuards.AskAsync(after, actor, left.Token);
        await TwoGuards.UntilHeldAsync(after, 1, Token);
        Assert.Equal("503 guard.actor_runner_failed", await TwoGuards.AskAsync(after, await after.Control.CreateActorAsync("default", Token), Token));
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);
    }

    [Fact]
    public async Task Holding_ManyOrFew_CostsTheStoreTheSame()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        var actors = await CreateActorsAsync(guards.A);
        using var leave = new CancellationTokenSource();
        var few = await CommandsOfAsync(50);
        var many = await CommandsOfAsync(2000);
        output.WriteLine($"store commands in 4 s of holding over {Actors} actors: {few} with 50 held, {many} with 2000 held");

        // Twenty actors and one pool are watched either way; background work of two Guards comes on top of both.
        Assert.InRange(many, 0, few * 1.3);

        async Task<long> CommandsOfAsync(int held)
        {
            using var enough = new CancellationTokenSource();
            var requests = Enumerable.Range(0, held)
                .Select(i => guards.B.Client.GetAsync(new Uri($"/gateway/{actors[i % Actors]}/", UriKind.Relative), enough.Token)).ToArray();
            await TwoGuards.UntilHeldAsync(guards.B, held, Token);
            var before = await guards.CommandsAsync();
            await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, Token);
            var commands = await guards.CommandsAsync() - before;
            await enough.CancelAsync();
            await Task.WhenAll(requests.Select(r => r.ContinueWith(static t => t.Exception, TaskScheduler.Default)));
            await TwoGuards.UntilHeldAsync(guards.B, 0, Token);
            return commands;
        }
    }

    [Fact]
    public async Task Wake_ThousandClientsOfBoth_OneStart()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await using var runner = await ScriptedRunner.StartAsync(guards.A.ControlAddress, new RunnerSettings(), Token);
        var release = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        runner.OnStart = StartScripts.After(release.Task, StartScripts.Ready);
        var actor = await guards.A.Control.CreateActorAsync("default", Token, key: "one");

        var ended = new long[1000];
        var requests = Enumerable.Range(0, 1000).Select(i => TwoGuards.AskAsync(i % 2 == 0 ? guards.A : guards.B, actor, Token, () => ended[i] = TimeProvider.System.GetTimestamp())).ToArray();
        await TwoGuards.UntilHeldAsync(guards.A, 500, Token);
        await TwoGuards.UntilHeldAsync(guards.B, 500, Token);
        var released = TimeProvider.System.GetTimestamp();
        release.SetResult(true);
        var answers = await Task.WhenAll(requests);

        Assert.All(answers, a => Assert.Equal("200 /hello", a));
        Assert.Equal(1, runner.StartsOf(actor));
        output.WriteLine($"1000 clients of two Guards, 1 start; last answer {ended.Max(e => TimeProvider.System.GetElapsedTime(released, e).TotalMilliseconds):0} ms after the start was answered");
    }

    [Fact]
    public async Task GetOrCreate_TwoHundredRacingOnBoth_OneActor()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await using var runner = await ScriptedRunner.StartAsync(guards.A.ControlAddress, new RunnerSettings(), Token);

        var paths = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            var guard = i % 2 == 0 ? guards.A : guards.B;
            using var response = await guard.Client.GetAsync(
                new Uri("/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-key=k&rvt-pool=default", UriKind.Relative), Token);
            return (int)response.StatusCode;
        }));

        Assert.All(paths, status => Assert.Equal(200, status));
        var actors = await guards.B.Control.CallAsync(HttpMethod.Get, "actors?namespace=default&name=counter&include_destroyed=true", null, Token);
        Assert.Single(actors.GetProperty("actors").EnumerateArray());
        Assert.Single(runner.Starts);
    }

    [Fact]
    public async Task Starter_Killed_TheOtherGuardTakesOver()
    {
        // No limit but the life of the starter's key ends its start while anybody waits.
        await using var guards = await TwoGuards.StartAsync(
            await RedisServer.StartAsync(), Token,
            ("Guard:Runners:StartTimeout", "00:30:00"), ("Guard:Runners:ReadyTimeout", "00:30:00"), ("Guard:Readiness:Timeout", "00:30:00"));
        await using var runner = await ScriptedRunner.StartAsync(guards.B.ControlAddress, new RunnerSettings(), Token);
        var actor = await guards.A.Control.CreateActorAsync("default", Token, key: "one");
        runner.OnStart = (r, call, context) => call.Generation == 1 ? StartScripts.Hang(r, call, context) : StartScripts.Ready(r, call, context);
        using var abandoned = new CancellationTokenSource();
        var first = TwoGuards.AskAsync(guards.A, actor, abandoned.Token);
        await TwoGuards.UntilAsync(() => Task.FromResult(runner.StartsOf(actor) == 1), "started", Token);
        var held = TwoGuards.AskAsync(guards.B, actor, Token);
        await TwoGuards.UntilHeldAsync(guards.B, 1, Token);

        var killed = TimeProvider.System.GetTimestamp();
        await guards.A.KillAsync(Token);
        var answer = await held;
        var took = TimeProvider.System.GetElapsedTime(killed);

        output.WriteLine($"starting Guard killed: the hold on the other ended ready after {took.TotalSeconds:0.0} s");
        Assert.Equal("200 /hello", answer);
        Assert.Equal([1, 2], runner.Starts.Select(s => s.Generation));
        await TwoGuards.UntilAsync(() => Task.FromResult(runner.Stops.Any(s => s.Generation == 1)), "told to stop the stale generation", Token);
        Assert.True(runner.Has(actor));
        await Assert.ThrowsAnyAsync<Exception>(() => first);
    }

    private static async Task<string[]> CreateActorsAsync(GuardProcess guard)
    {
        var actors = new string[Actors];
        for (var i = 0; i < Actors; i++)
        {
            actors[i] = await guard.Control.CreateActorAsync("default", Token, key: $"k{i}");
        }

        return actors;
    }

    private static Task<string>[] Hold(GuardProcess guard, string[] actors, int held, long[] ended)
        => Enumerable.Range(0, held).Select(i => TwoGuards.AskAsync(guard, actors[i % Actors], Token, () => ended[i] = TimeProvider.System.GetTimestamp())).ToArray();
}
