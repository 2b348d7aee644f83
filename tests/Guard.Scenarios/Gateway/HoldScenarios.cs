using System.Net;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Gateway;

/// <summary>Many held requests on the real binary. The figures are written to the test's output; bench/load measures them.</summary>
public sealed class HoldScenarios(ITestOutputHelper output)
{
    private const int Held = 2000;
    private const int Actors = 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, 3600)] // no poll ends them while anybody waits: the push does
    [InlineData(false, 2)]
    public async Task PoolError_TwoThousandHeld_EndsThemAll(bool push, int pollSeconds)
    {
        await using var guard = await GuardProcess.StartAsync(
            Token,
            ("Guard:FailFast:Push", push ? "true" : "false"),
            ("Guard:FailFast:PollInterval", TimeSpan.FromSeconds(pollSeconds).ToString("c")),
            ("Guard:Readiness:Timeout", "00:30:00"));
        await guard.Control.PutPoolAsync("default", Token);
        var actors = await CreateActorsAsync(guard);
        var ended = new long[Held];
        var requests = Enumerable.Range(0, Held).Select(i => HoldAsync(guard, actors[i % Actors], i, ended)).ToArray();
        await UntilHeldAsync(guard, Held);

        // Past CheckDelay for everyone: a report then ends them at once.
        await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System, Token);
        var since = TimeProvider.System.GetTimestamp();
        var readsBefore = await guard.MetricAsync("guard_pool_health_reads_total{result=\"ok\"}", Token);
        await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, Token);
        var readsAfter = await guard.MetricAsync("guard_pool_health_reads_total{result=\"ok\"}", Token);
        var polls = TimeProvider.System.GetElapsedTime(since) / TimeSpan.FromSeconds(pollSeconds);
        var reported = TimeProvider.System.GetTimestamp();
        await guard.Control.ReportPoolErrorAsync("default", Token);
        var answers = await Task.WhenAll(requests);

        Assert.All(answers, a => Assert.Equal("503 guard.actor_runner_failed", a));
        var times = ended.Select(e => TimeProvider.System.GetElapsedTime(reported, e).TotalMilliseconds).Order().ToArray();
        output.WriteLine(
            $"push={push}: {Held} held over {Actors} actors: p50 {times[Held / 2]:0} ms, p99 {times[Held * 99 / 100]:0} ms, last {times[^1]:0} ms after the report was sent; "
            + $"{readsAfter - readsBefore} health reads in 4 s of holding");

        // One loop reads for all of them: the polls of the time, one that was under way at its start, and two for whoever came last.
        Assert.InRange(readsAfter - readsBefore, 0, polls + 3);
        Assert.Equal(0, await guard.MetricAsync("guard_held_requests", Token));
    }

    [Fact]
    public async Task Wake_ThousandClientsOneSleepingActor_OneStart()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var release = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        runner.OnStart = StartScripts.After(release.Task, StartScripts.Ready);
        var actor = await guard.Control.CreateActorAsync("default", Token, key: "one");

        var ended = new long[1000];
        var requests = Enumerable.Range(0, 1000).Select(i => HoldAsync(guard, actor, i, ended)).ToArray();
        await UntilHeldAsync(guard, 1000);
        var released = TimeProvider.System.GetTimestamp();
        release.SetResult(true);
        var answers = await Task.WhenAll(requests);

        Assert.All(answers, a => Assert.Equal("200 /hello", a));
        Assert.Equal(1, runner.StartsOf(actor));
        Assert.Equal(1000, runner.Deliveries.Count);
        output.WriteLine($"1000 clients, 1 start; last answer {ended.Max(e => TimeProvider.System.GetElapsedTime(released, e).TotalMilliseconds):0} ms after the start was answered");
    }

    [Fact]
    public async Task Client_Leaves_ItsPlaceIsFreeSoon()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        await guard.Control.PutPoolAsync("default", Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);
        using var leave = new CancellationTokenSource();
        var requests = Enumerable.Range(0, 50)
            .Select(_ => guard.Client.GetAsync(new Uri($"/gateway/{actor}/", UriKind.Relative), leave.Token)).ToArray();
        await UntilHeldAsync(guard, 50);

        await leave.CancelAsync();
        await UntilHeldAsync(guard, 0);

        foreach (var request in requests)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        }
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

    private static async Task<string> HoldAsync(GuardProcess guard, string actor, int index, long[] ended)
    {
        using var response = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/hello", UriKind.Relative), Token);
        ended[index] = TimeProvider.System.GetTimestamp();
        return response.StatusCode == HttpStatusCode.OK
            ? $"200 {await response.Content.ReadAsStringAsync(Token)}"
            : $"{(int)response.StatusCode} {response.Headers.GetValues("x-rivet-error").Single()}";
    }

    private static async Task UntilHeldAsync(GuardProcess guard, int count)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (await guard.MetricAsync("guard_held_requests", Token) != count)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMinutes(2), $"never {count} held");
        }
    }
}
