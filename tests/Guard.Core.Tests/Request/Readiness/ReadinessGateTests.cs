using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Readiness;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>docs/contract.md, section 4, rule by rule.</summary>
public sealed class ReadinessGateTests
{
    private static readonly PoolError Http500 = new(PoolErrorKind.ServerlessHttpError, 500, "boom");

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hold_SleepingActor_IsWokenAndReady()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");

        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(HoldOutcome.Ready, result.Outcome);
        Assert.Equal(1, result.Route!.Generation);
        Assert.Equal("http://r1", result.Route.Runner!.Location.Endpoint);
        Assert.Equal(0, h.Limiter.Held);
        await ReadinessHarness.UntilAsync(() => h.Waits.Count == 0, "the wait closed");
    }

    [Fact]
    public async Task Hold_ThousandRequestsForOneActor_OneStart()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);

        var holds = Enumerable.Range(0, 1000).Select(_ => h.Hold(actor)).ToArray();
        await h.UntilHeldAsync(actor, 1000);
        answer.SetResult(HttpStatusCode.OK);
        var results = await Task.WhenAll(holds).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.All(results, r => Assert.Equal(HoldOutcome.Ready, r.Outcome));
        Assert.Single(h.Runners.Starts);
        Assert.Equal(0, h.Limiter.Held);
    }

    [Fact]
    public async Task Hold_RunnerAccepts_ReadyEventReleases()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var runner = await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r1", HttpStatusCode.Accepted);

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 1, "started");
        Assert.False(hold.IsCompleted);
        await h.Store.ApplyEventAsync(runner.RunnerId, new(actor.Id, 1, RunnerEventKind.Ready, null), TestToken);

        Assert.Equal(HoldOutcome.Ready, (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
    }

    [Fact]
    public async Task Hold_RunnerAcceptsAndIsNeverReady_OtherRunnerIsTriedAndGenerationStopped()
    {
        var h = await new ReadinessHarness(o => { o.Runners.ReadyTimeout = TimeSpan.FromSeconds(3); }).WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        await h.AddRunnerAsync("r2", slots: 1);
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r1", HttpStatusCode.Accepted);

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("http://r2", (await hold).Route!.Runner!.Location.Endpoint);
        Assert.InRange(took, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(6));
        Assert.Contains(h.Runners.Stops, s => s is { Host: "r1", Generation: 1, Reason: "stale" });
    }

    [Fact]
    public async Task Hold_RunnerHangsOnStart_NoResponseAfterStartTimeout()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Runners.HangOnStart("r1");

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("actor.runner_no_response", (await hold).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(13));
        Assert.Contains(h.Runners.Stops, s => s is { Generation: 1, Reason: "stale" });
        Assert.Equal(ActorErrorKind.RunnerNoResponse, (await h.ReadAsync(actor)).Error!.Kind);
    }

    [Fact]
    public async Task Hold_EveryRunnerRefuses_EachTriedOnceThenCrashed()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        foreach (var host in new[] { "r1", "r2", "r3" })
        {
            await h.AddRunnerAsync(host);
            h.Runners.OnStart(host, HttpStatusCode.InternalServerError);
        }

        var actor = await h.AddActorAsync("a");
        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal("actor.crashed", result.Error!.FullCode);
        Assert.Equal(["r1", "r2", "r3"], h.Runners.Starts.Select(s => s.Host).Order());
        Assert.Equal([1L, 2L, 3L], h.Runners.Starts.Select(s => s.Generation));
        var record = await h.ReadAsync(actor);
        Assert.Equal(ActorState.Crashed, record.State);
        Assert.Equal(ActorErrorKind.Crashed, record.Error!.Kind);
    }

    [Fact]
    public async Task Hold_RunnerUnreachable_NextIsTriedAndFirstIsSuspectForFiveSeconds()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        h.Runners.RefuseConnections("r1");
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 1, "tried once");

        h.Runners.OnStart("r1", HttpStatusCode.OK);
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal(HoldOutcome.Ready, (await hold).Outcome);
        Assert.InRange(took, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(9));
        Assert.Equal(2, h.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_OneRunnerUnreachable_OtherServesAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        await h.AddRunnerAsync("r2", slots: 1);
        h.Runners.RefuseConnections("r1");
        var actor = await h.AddActorAsync("a");

        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal("http://r2", result.Route!.Runner!.Location.Endpoint);
    }

    [Fact]
    public async Task Hold_StopsBeforeReadyEachTime_RetriesExceeded()
    {
        var h = await new ReadinessHarness(o => o.Readiness.MaxWakeRetries = 3).WithPoolAsync();
        var runner = await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r1", async (call, _) =>
        {
            await h.Store.ApplyEventAsync(
                runner.RunnerId, new(actor.Id, call.Generation, RunnerEventKind.Stopped, null), CancellationToken.None);
            return HttpStatusCode.Accepted;
        });

        var hold = h.Hold(actor);
        await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("guard.actor_wake_retries_exceeded", (await hold).Error!.FullCode);
        Assert.Equal(4, h.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_CrashEventBeforeReady_Crashed()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var runner = await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r1", async (call, _) =>
        {
            await h.Store.ApplyEventAsync(
                runner.RunnerId, new(actor.Id, call.Generation, RunnerEventKind.Crashed, "no db"), CancellationToken.None);
            return HttpStatusCode.Accepted;
        });

        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal("actor.crashed", result.Error!.FullCode);
        Assert.Equal("no db", result.Error.Metadata!.Error!.Message);
    }

    [Fact]
    public async Task Hold_NoRunnerEver_NoCapacityAtDeadline()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");

        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        var took = await h.AdvanceUntilDoneAsync(hold, TimeSpan.FromMilliseconds(100));

        Assert.Equal("actor.no_capacity", (await hold).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(33));
    }

    [Fact]
    public async Task Hold_NoCapacityAndConnectsFail_SaysOfWhichKindAndNoMore()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        h.Connects.ConnectEnded(ReadinessHarness.Pool, PoolErrorKind.ServerlessHttpError, TimeSpan.FromSeconds(300));

        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        await h.AdvanceUntilDoneAsync(hold, TimeSpan.FromMilliseconds(100));

        var error = (await hold).Error!;
        Assert.Equal("actor.no_capacity", error.FullCode);
        Assert.Equal(new PoolError(PoolErrorKind.ServerlessHttpError), error.Metadata!.PoolError);
    }

    [Fact]
    public async Task Hold_PoolRedAndNextConnectSoonerThanNextProbe_RetryAfterIsTheSooner()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, new(PoolErrorKind.ServerlessHttpError, 500), TestContext.Current.CancellationToken);
        await h.Health.TryGrantProbeAsync(ReadinessHarness.Pool, TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);

        Assert.Equal(TimeSpan.FromSeconds(5), (await h.Hold(actor)).Error!.RetryAfter);
        h.Connects.ConnectEnded(ReadinessHarness.Pool, PoolErrorKind.ServerlessHttpError, TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(2), (await h.Hold(actor)).Error!.RetryAfter);
        h.Connects.ConnectEnded(ReadinessHarness.Pool, PoolErrorKind.ServerlessHttpError, TimeSpan.FromSeconds(300));
        Assert.Equal(TimeSpan.FromSeconds(5), (await h.Hold(actor)).Error!.RetryAfter);
    }

    [Fact]
    public async Task Hold_RunnerRegistersWhileHeld_IsUsedAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.ReadAsync(actor).Result.PendingAllocationTs != 0, "waits for a slot");

        await h.AddRunnerAsync("r1");

        Assert.Equal(HoldOutcome.Ready, (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
    }

    [Fact]
    public async Task Hold_EventsKeepComing_DeadlineIsNotRearmed()
    {
        var h = await new ReadinessHarness(o => o.Readiness.Timeout = TimeSpan.FromSeconds(5)).WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");

        var moved = TimeSpan.Zero;
        while (!hold.IsCompleted)
        {
            ((IChangeSink)h.Starter).ActorChanged(actor.Id, actor.Pool, 1000 + (long)moved.TotalMilliseconds);
            h.Time.Advance(TimeSpan.FromMilliseconds(100));
            moved += TimeSpan.FromMilliseconds(100);
            await ReadinessHarness.SettleAsync(hold);
            Assert.True(moved < TimeSpan.FromSeconds(60), "the deadline never came");
        }

        Assert.Equal("guard.actor_ready_timeout", (await hold).Error!.FullCode);
        Assert.True((await hold).Error!.Metadata!.WaitedMs >= 5000);
    }

    [Fact]
    public async Task Hold_Destroyed_Gone()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");

        await h.Store.DestroyAsync(actor.Id, TestToken);

        Assert.Equal("actor.destroyed_while_waiting_for_ready", (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
    }

    [Fact]
    public async Task Hold_LastClientLeaves_WaitClosesStartGoesOn()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        var actor = await h.AddActorAsync("a");
        using var client = new CancellationTokenSource();
        var hold = h.HoldOf(client, actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");

        await client.CancelAsync();
        var result = await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        Assert.Equal(HoldOutcome.ClientGone, result.Outcome);
        Assert.Equal(0, h.Limiter.Held);
        Assert.Equal(0, h.Waits.Count);

        answer.SetResult(HttpStatusCode.OK);
        await ReadinessHarness.UntilAsync(() => h.ReadAsync(actor).Result.State == ActorState.Ready, "the start went on to ready");
        Assert.Empty(h.Runners.Stops);
    }

    [Fact]
    public async Task Hold_ClientLeavesAndOneStays_StartStillServesTheOther()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        var actor = await h.AddActorAsync("a");
        using var client = new CancellationTokenSource();
        var leaver = h.HoldOf(client, actor);
        var stayer = h.Hold(actor);
        await h.UntilHeldAsync(actor, 2);

        await client.CancelAsync();
        await leaver.WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        answer.SetResult(HttpStatusCode.OK);

        Assert.Equal(HoldOutcome.Ready, (await stayer.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
    }

    [Fact]
    public async Task Hold_PoolTurnsRed_EndsAfterCheckDelayNotBefore()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);

        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var took = await h.AdvanceUntilDoneAsync(hold);

        var error = (await hold).Error!;
        Assert.Equal("guard.actor_runner_failed", error.FullCode);
        Assert.Equal(PoolErrorKind.ServerlessHttpError, error.Metadata!.PoolError!.Kind);
        Assert.InRange(took, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.9));
    }

    [Fact]
    public async Task Hold_PoolTurnsRedLongAfterCheckDelay_EndsWithoutTheClockMoving()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        h.Time.Advance(TimeSpan.FromSeconds(5));

        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        Assert.Equal("guard.actor_runner_failed", (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
    }

    [Fact]
    public async Task Hold_WithoutPush_EndsWithinPollIntervalPlusCacheTtl()
    {
        var h = await new ReadinessHarness(o => o.FailFast.Push = false).WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        h.Time.Advance(TimeSpan.FromSeconds(1.5));

        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("guard.actor_runner_failed", (await hold).Error!.FullCode);
        Assert.True(took <= TimeSpan.FromSeconds(4.1), $"took {took}");
    }

    [Fact]
    public async Task Hold_PoolHasItsOwnCheckDelay_ItCounts()
    {
        var h = await new ReadinessHarness().WithPoolAsync(new PoolGuardOverrides { CheckDelayMs = 200 });
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);

        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        Assert.InRange(await h.AdvanceUntilDoneAsync(hold), TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.9));
    }

    [Fact]
    public async Task Hold_PoolRedOnArrival_FirstIsTheProbeTheOthersAreRefusedAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        var a = await h.AddActorAsync("a");
        var b = await h.AddActorAsync("b");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        var probe = h.Hold(a);
        await h.UntilHeldAsync(a, 1);
        var refused = await h.Hold(b).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        var joined = h.Hold(a);
        await h.UntilHeldAsync(a, 2);

        Assert.Equal("guard.actor_runner_failed", refused.Error!.FullCode);
        Assert.True(refused.Error.RetryAfter > TimeSpan.Zero && refused.Error.RetryAfter <= TimeSpan.FromSeconds(5));
        h.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(probe.IsCompleted);
        answer.SetResult(HttpStatusCode.OK);
        Assert.Equal(HoldOutcome.Ready, (await probe.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
        Assert.Equal(HoldOutcome.Ready, (await joined.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
        Assert.Single(h.Runners.Starts);
    }

    [Fact]
    public async Task Hold_ProbeAndANewError_Ends()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var a = await h.AddActorAsync("a");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var probe = h.Hold(a);
        await h.UntilHeldAsync(a, 1);
        h.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(probe.IsCompleted);

        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        Assert.Equal("guard.actor_runner_failed", (await probe.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
    }

    [Fact]
    public async Task Hold_ProbesSucceed_TheyFollowAtOnceUntilThePoolIsGreen()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        foreach (var key in new[] { "a", "b", "c" })
        {
            var actor = await h.AddActorAsync(key);
            var result = await HoldUntilAdmittedAsync(h, actor);
            Assert.Equal(HoldOutcome.Ready, result.Outcome);
        }

        Assert.False((await h.Health.ReadAsync(ReadinessHarness.Pool, TestToken)).IsRed);
    }

    [Fact]
    public async Task Hold_ProbeEndsReadyByEvent_NextOneFollowsAtOnce()
    {
        var h = await new ReadinessHarness(o => o.FailFast.ProbeInterval = TimeSpan.FromMinutes(5)).WithPoolAsync();
        var runner = await h.AddRunnerAsync("r1");
        h.Runners.OnStart("r1", HttpStatusCode.Accepted);
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        foreach (var key in new[] { "a", "b", "c" })
        {
            var actor = await h.AddActorAsync(key);
            var before = h.Runners.Starts.Count;
            var hold = HoldUntilAdmittedAsync(h, actor);
            await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count > before, "the probe started");
            await h.Store.ApplyEventAsync(runner.RunnerId, new(actor.Id, 1, RunnerEventKind.Ready, null), TestToken);
            Assert.Equal(HoldOutcome.Ready, (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
        }

        await ReadinessHarness.UntilAsync(() => !h.Health.ReadAsync(ReadinessHarness.Pool, TestToken).AsTask().Result.IsRed, "green");
    }

    [Fact]
    public async Task Hold_ModeReport_CountsWhatWouldHaveBeenRefused()
    {
        var h = await new ReadinessHarness(o => o.FailFast.Mode = FailFastMode.Report).WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var holds = new List<Task<HoldResult>>();
        for (var i = 0; i < 10; i++)
        {
            var actor = await h.AddActorAsync($"a{i}");
            holds.Add(h.Hold(actor));
            await h.UntilHeldAsync(actor, 1);
        }

        answer.SetResult(HttpStatusCode.OK);

        Assert.All(await Task.WhenAll(holds).WaitAsync(TimeSpan.FromSeconds(10), TestToken), r => Assert.Equal(HoldOutcome.Ready, r.Outcome));
        Assert.Equal(9, await CountReportedAsync(h));
    }

    [Fact]
    public async Task Hold_ProbeFails_NextOneAfterTheInterval()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.OnStart("r1", HttpStatusCode.InternalServerError);
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var actor = await h.AddActorAsync("a");

        Assert.Equal("guard.actor_runner_failed", (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
        Assert.Single(h.Runners.Starts);
        Assert.Equal("guard.actor_runner_failed", (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
        Assert.Single(h.Runners.Starts);
        h.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("guard.actor_runner_failed", (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
        Assert.Equal(2, h.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_RefuseWhenRedOff_RedPoolEndsItAtCheckDelay()
    {
        var h = await new ReadinessHarness(o => o.FailFast.RefuseWhenRed = false).WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var actor = await h.AddActorAsync("a");

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "woken all the same");
        Assert.InRange(await h.AdvanceUntilDoneAsync(hold), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.9));
        Assert.Equal("guard.actor_runner_failed", (await hold).Error!.FullCode);
    }

    [Theory]
    [InlineData("Report", 1)]
    [InlineData("Off", 0)]
    public async Task Hold_ModeDoesNotEnforce_RedPoolChangesNothing(string modeName, int reported)
    {
        var mode = Enum.Parse<FailFastMode>(modeName);
        var h = await new ReadinessHarness(o => o.FailFast.Mode = mode).WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        h.Time.Advance(TimeSpan.FromSeconds(3));
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        answer.SetResult(HttpStatusCode.OK);

        Assert.Equal(HoldOutcome.Ready, (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
        Assert.Equal(reported, await CountReportedAsync(h));
    }

    [Fact]
    public async Task Hold_HealthCannotBeRead_HoldsOn()
    {
        var h = await new ReadinessHarness(o => o.FailFast.Push = false).WithPoolAsync();
        await h.AddRunnerAsync("r1");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        h.Health.FailReads = true;
        var actor = await h.AddActorAsync("a");

        Assert.Equal(HoldOutcome.Ready, (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
    }

    [Fact]
    public async Task Hold_StartFailsOnARedPool_ThePoolIsTheCause()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);

        answer.SetResult(HttpStatusCode.InternalServerError);

        Assert.Equal("guard.actor_runner_failed", (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Error!.FullCode);
    }

    [Theory]
    [InlineData("actor")]
    [InlineData("pool")]
    [InlineData("all")]
    public async Task Hold_OverALimit_RefusedAtOnceAndNothingLeaks(string scope)
    {
        var h = await new ReadinessHarness(o =>
        {
            o.Readiness.MaxHeldPerActor = scope == "actor" ? 2 : 100;
            o.Readiness.MaxHeldPerPool = scope == "pool" ? 2 : 100;
            o.Readiness.MaxHeld = scope == "all" ? 2 : 100;
        }).WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        using var client = new CancellationTokenSource();
        var held = new[] { h.HoldOf(client, actor), h.HoldOf(client, actor) };
        await h.UntilHeldAsync(actor, 2);

        var over = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal("guard.hold_limit_reached", over.Error!.FullCode);
        Assert.Equal((2, scope), (over.Error.Metadata!.Limit, over.Error.Metadata.Scope));
        await client.CancelAsync();
        await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        Assert.Equal(0, h.Limiter.Held);
    }

    [Fact]
    public async Task Hold_BudgetOfWakesSpent_OnlyNewWakesAreRefused()
    {
        var h = await new ReadinessHarness(o => (o.Limits.WakesPerPool, o.Limits.WakeWindow) = (2, TimeSpan.FromHours(10))).WithPoolAsync();
        var (first, second, third) = (await h.AddActorAsync("a"), await h.AddActorAsync("b"), await h.AddActorAsync("c"));
        using var client = new CancellationTokenSource();
        var held = new List<Task<HoldResult>> { h.HoldOf(client, first), h.HoldOf(client, second) };
        await h.UntilHeldAsync(first, 1);
        await h.UntilHeldAsync(second, 1);

        // Whoever joins costs nothing.
        held.Add(h.HoldOf(client, first));
        await h.UntilHeldAsync(first, 2);
        var over = await h.Hold(third).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(("guard.hold_limit_reached", "wakes", 2), (over.Error!.FullCode, over.Error.Metadata!.Scope, over.Error.Metadata.Limit));
        Assert.InRange(over.Error.RetryAfter!.Value, TimeSpan.FromHours(4), TimeSpan.FromHours(5));
        await client.CancelAsync();
        await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        Assert.Equal(0, h.Limiter.Held);
    }

    [Fact]
    public async Task Hold_MemoryShort_NoMoreAreHeldAndThoseHeldStay()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        var held = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        h.MemoryUse = new(95, 100);
        h.Memory.Look();

        var over = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(("guard.hold_limit_reached", "memory"), (over.Error!.FullCode, over.Error.Metadata!.Scope));
        Assert.False(held.IsCompleted);
        await h.AddRunnerAsync("r1");
        Assert.Equal(HoldOutcome.Ready, (await held.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
    }

    [Fact]
    public async Task Hold_SkipReadyWait_GoesAsSoonAsARunnerHasIt()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var actor = await h.AddActorAsync("a");

        var result = await h.Hold(actor, skipReadyWait: true).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(HoldOutcome.Ready, result.Outcome);
        Assert.Equal(ActorState.Starting, result.Route!.State);
    }

    [Fact]
    public async Task Hold_ReadyRouteUnreachable_NotUsedAgainBeforeItsTime()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var ready = (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!;

        var again = h.Gate.HoldAsync(ready, h.Arriving(), false, (ready, TimeSpan.FromSeconds(2)), CancellationToken.None);
        await h.UntilHeldAsync(actor, 1);

        Assert.InRange(await h.AdvanceUntilDoneAsync(again), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5));
        Assert.Equal(HoldOutcome.Ready, (await again).Outcome);
    }

    [Fact]
    public async Task Hold_SkipReadyWaitJoinsThoseThatWaitForReady_GoesAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var actor = await h.AddActorAsync("a");
        var waits = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        await ReadinessHarness.SettleAsync(waits);

        var result = await h.Hold(actor, skipReadyWait: true).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(ActorState.Starting, result.Route!.State);
        Assert.False(waits.IsCompleted);
    }

    [Fact]
    public async Task Hold_JoinsThoseThatAvoidTheReadyRoute_GoesAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var ready = (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!;
        var avoids = h.Gate.HoldAsync(ready, h.Arriving(), false, (ready, TimeSpan.FromSeconds(2)), CancellationToken.None);
        await h.UntilHeldAsync(actor, 1);
        await ReadinessHarness.SettleAsync(avoids);

        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(HoldOutcome.Ready, result.Outcome);
        Assert.False(avoids.IsCompleted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hold_JoinsThoseThatWantTheSame_StoreIsNotReadForIt(bool storeIsAway)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        h.Runners.HangOnStart("r1");
        var actor = await h.AddActorAsync("a");
        if (storeIsAway)
        {
            h.Link.Refuse();
        }

        var first = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => storeIsAway ? h.Link.Calls >= 3 : !h.Runners.Starts.IsEmpty, "the wait runs");
        await ReadinessHarness.SettleAsync(first);
        var before = h.Link.Calls;

        // Each has time for a look of its own. The clock stands still: nothing else makes one.
        for (var i = 0; i < 100; i++)
        {
            await ReadinessHarness.SettleAsync(h.Hold(actor));
        }

        // What the wake of the first one set going may have come to its end only now.
        Assert.InRange(h.Link.Calls - before, 0, 5);
        Assert.Equal(101, h.Waits.CountOf(actor.Id));
    }

    [Fact]
    public async Task Settle_RunnerHasLostAReadyActor_ItIsWokenAnewInANewGeneration()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var ready = (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!;

        var settled = await h.Disowned.SettleAsync(ready, TestToken);
        Assert.Equal(ActorState.Sleeping, settled!.State);
        var result = await h.Hold(settled).WaitAsync(TimeSpan.FromSeconds(10), TestToken);

        Assert.Equal(2, result.Route!.Generation);
        Assert.Contains(h.Runners.Stops, s => s is { Generation: 1, Reason: "stale" });
    }

    [Fact]
    public async Task Settle_RouteWasOld_OnlyTheNewRouteIsGiven()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var first = (await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!;
        var second = (await h.Hold((await h.Disowned.SettleAsync(first, TestToken))!).WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!;

        var settled = await h.Disowned.SettleAsync(first, TestToken);

        Assert.Equal(second.Generation, settled!.Generation);
        Assert.True(settled.IsReady);
    }

    [Fact]
    public async Task Hold_TwoThousandHeld_ReadsOfHealthDoNotGrowWithThem()
    {
        // Ten seconds of holding: one read on arrival and one per poll interval of 2 s, and room for one more each.
        Assert.InRange(await CountReadsAsync(20), 1, 8);
        Assert.InRange(await CountReadsAsync(2000), 1, 8);
    }

    private static async Task<int> CountReadsAsync(int held)
    {
        var h = await new ReadinessHarness(o => o.Readiness.MaxHeldPerActor = 10_000).WithPoolAsync();
        var actors = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => h.AddActorAsync($"a{i}")));
        var holds = Enumerable.Range(0, held).Select(i => h.Hold(actors[i % 20])).ToArray();
        await ReadinessHarness.UntilAsync(() => h.Limiter.Held == held, "all held");
        for (var i = 0; i < 100; i++)
        {
            h.Time.Advance(TimeSpan.FromMilliseconds(100));
            await ReadinessHarness.SettleAsync(holds[0]);
        }

        var reads = h.Health.Reads;
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, Http500, TestToken);
        var results = await Task.WhenAll(holds).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        Assert.All(results, r => Assert.Equal(HoldOutcome.PoolError, r.Outcome));
        return reads;
    }

    /// <summary>A refusal is remembered for a moment; a client would come back.</summary>
    private static async Task<HoldResult> HoldUntilAdmittedAsync(ReadinessHarness h, ActorRoute actor)
    {
        for (var i = 0; ; i++)
        {
            var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
            if (result.Outcome != HoldOutcome.PoolError || i == 20)
            {
                return result;
            }

            h.Time.Advance(TimeSpan.FromMilliseconds(50));
        }
    }

    private static async Task<double> CountReportedAsync(ReadinessHarness h)
    {
        using var text = new MemoryStream();
        await h.Metrics.Registry.CollectAndExportAsTextAsync(text, TestToken);
        var line = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .FirstOrDefault(l => l.StartsWith("guard_fail_fast_total{", StringComparison.Ordinal) && l.Contains("report", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
