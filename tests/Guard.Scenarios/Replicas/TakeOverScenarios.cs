using Guard.Scenarios.Support;
using Guard.TestSupport;
using Microsoft.AspNetCore.Http;

namespace Guard.Scenarios.Replicas;

/// <summary>Guards that stop, in the ways the killed one of <see cref="TwoGuardScenarios"/> does not: paused and back, and told to.</summary>
public sealed class TakeOverScenarios(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Starter_PausedAndBack_ItsStartsHaveNewGenerationsAndItFollowsThem()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await using var first = await ScriptedRunner.StartAsync(guards.B.ControlAddress, new RunnerSettings(), Token);
        await using var second = await ScriptedRunner.StartAsync(guards.B.ControlAddress, new RunnerSettings(), Token);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RunnerScript late = (runner, call, context) =>
            (call.Generation == 1 ? StartScripts.After(release.Task, StartScripts.Ready) : StartScripts.Ready)(runner, call, context);
        (first.OnStart, second.OnStart) = (late, late);
        var wanted = await guards.A.Control.CreateActorAsync("default", Token, key: "wanted");
        var unwanted = await guards.A.Control.CreateActorAsync("default", Token, key: "unwanted");
        var ofA = new[] { TwoGuards.AskAsync(guards.A, wanted, Token), TwoGuards.AskAsync(guards.A, unwanted, Token) };
        await UntilAsync(() => StartsOf(wanted) + StartsOf(unwanted) == 2, "started");
        var ofB = TwoGuards.AskAsync(guards.B, wanted, Token);
        await TwoGuards.UntilHeldAsync(guards.B, 1, Token);

        await guards.A.PauseAsync(Token);
        var paused = TimeProvider.System.GetTimestamp();
        Assert.Equal("200 /hello", await ofB.WaitAsync(TimeSpan.FromMinutes(2), Token));
        var taken = TimeProvider.System.GetElapsedTime(paused);
        await UntilAsync(() => StopsOf(wanted) == 1 && StopsOf(unwanted) == 1, "both stale generations told to stop");
        var swept = TimeProvider.System.GetElapsedTime(paused);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await guards.B.Control.GetActorAsync(unwanted, Token)).GetProperty("runner_id").ValueKind);

        // Its starts succeed, it believes.
        release.SetResult();
        await guards.A.ResumeAsync(Token);
        Assert.All(await Task.WhenAll(ofA).WaitAsync(TimeSpan.FromMinutes(2), Token), a => Assert.Equal("200 /hello", a));

        await UntilAsync(() => StopsOf(wanted) == 2 && StopsOf(unwanted) == 2, "the old starter told the runners too");
        Assert.All(first.Stops.Concat(second.Stops), s => Assert.Equal(1, s.Generation));
        foreach (var actor in new[] { wanted, unwanted })
        {
            Assert.Equal([1L, 2L], first.Starts.Concat(second.Starts).Where(s => s.ActorId == actor).Select(s => s.Generation).Order());
            Assert.Single(new[] { first, second }, r => r.Has(actor));
        }

        output.WriteLine(
            $"starting Guard paused: the hold on the other ended ready after {taken.TotalSeconds:0.0} s, the start nobody waited for was given back after {swept.TotalSeconds:0.0} s; "
            + "back again it stopped its two generations and followed the new ones");

        int StartsOf(string actor) => first.StartsOf(actor) + second.StartsOf(actor);
        int StopsOf(string actor) => first.StopsOf(actor) + second.StopsOf(actor);
    }

    [Fact]
    public async Task Stop_Clean_GuardCountsAsAliveUntilItHasDrained()
    {
        await using var guards = await TwoGuards.StartAsync(await RedisServer.StartAsync(), Token);
        await using var runner = await ScriptedRunner.StartAsync(guards.B.ControlAddress, new RunnerSettings(), Token);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        runner.OnRequest = async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("/hello");
        };
        var actor = await guards.A.Control.CreateActorAsync("default", Token);
        var request = TwoGuards.AskAsync(guards.A, actor, Token);
        await UntilAsync(() => runner.Deliveries.Count == 1, "delivered");

        var stopping = guards.A.TerminateAsync(Token);
        await guards.A.WaitForOutputAsync("to finish what is under way", Token);
        await Task.Delay(TimeSpan.FromSeconds(3.5), TimeProvider.System, Token);
        Assert.Equal(2, await LivingAsync(guards.Redis));
        release.SetResult();

        Assert.Equal("200 /hello", await request);
        Assert.Equal(0, await stopping);
        Assert.Equal(1, await LivingAsync(guards.Redis));
    }

    private static async Task<int> LivingAsync(RedisServer redis)
        => (await redis.AskAsync("KEYS", "guard:alive:*")).Split("guard:alive:").Length - 1;

    private static Task<TimeSpan> UntilAsync(Func<bool> holds, string what)
        => TwoGuards.UntilAsync(() => Task.FromResult(holds()), what, Token);
}
