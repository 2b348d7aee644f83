using System.Net;
using Guard.Core.Diagnostics;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>A wake whose runners fail in turn, and what it costs the store.</summary>
public sealed class WakeTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hold_OneRefusesAndTheOtherIsFull_PendingThenCrashedWithTheRefusalAndNoCrashPolicy()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await RefusesAsync(h);
        await FullAsync(h);
        var actor = await h.AddActorAsync("a", CrashPolicy.Destroy);

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 1, "refused");
        await h.AdvanceAsync(TimeSpan.FromSeconds(3));

        Assert.False(hold.IsCompleted);
        Assert.Equal(ActorState.Pending, (await h.ReadAsync(actor)).State);
        await h.AdvanceUntilDoneAsync(hold, TimeSpan.FromMilliseconds(200));
        Assert.Equal("actor.crashed", (await hold).Error!.FullCode);
        Assert.Equal("start answered 500", (await hold).Error!.Metadata!.Error!.Message);
        Assert.Equal(ActorState.Pending, (await h.ReadAsync(actor)).State);
        Assert.Single(h.Runners.Starts);
    }

    [Fact]
    public async Task Hold_OneRefusesAndTheOtherIsFull_TriedWhenItHasRoom()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await RefusesAsync(h);
        var other = await FullAsync(h);
        var actor = await h.AddActorAsync("a", CrashPolicy.Destroy);
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Starter.CountWaiting(ReadinessHarness.Pool) == 1, "waits for a slot");

        await h.Store.CommitStartFailedAsync(other.Id, other.Pool, other.Generation, new(ActorErrorKind.InternalError), final: false, TestToken);

        Assert.Equal("http://r2", (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Route!.Runner!.Location.Endpoint);
    }

    [Fact]
    public async Task Hold_OneRefusesAndTheOtherIsSuspect_TriedWhenItIsNoLonger()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await RefusesAsync(h);
        h.Suspects.Suspect((await h.AddRunnerAsync("r2", slots: 1)).RunnerId);
        var actor = await h.AddActorAsync("a", CrashPolicy.Destroy);

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 1, "refused");
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("http://r2", (await hold).Route!.Runner!.Location.Endpoint);
        Assert.InRange(took, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(9));
    }

    [Fact]
    public async Task Hold_RefusedThenStoppedElsewhereThenNoSlot_PendingForTheStoreAndForClients()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await RefusesAsync(h);
        var r2 = await h.AddRunnerAsync("r2", slots: 1);
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r2", async (call, _) =>
        {
            await h.Store.ApplyEventAsync(r2.RunnerId, new(actor.Id, call.Generation, RunnerEventKind.Stopped, null), CancellationToken.None);
            await h.Store.DeleteAsync(r2.RunnerId, CancellationToken.None);
            return HttpStatusCode.Accepted;
        });

        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 2, "refused, then stopped");
        await h.AdvanceAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(ActorState.Pending, (await h.ReadAsync(actor)).State);
        Assert.False(hold.IsCompleted);
        await h.AddRunnerAsync("r3");
        await h.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(5));
        Assert.Equal("http://r3", (await hold).Route!.Runner!.Location.Endpoint);
    }

    [Fact]
    public async Task Hold_ProbeJoinsAWakeThatTheLastRequestJustLeft_ProbeGoesOn()
    {
        var h = await new ReadinessHarness(o => o.FailFast.CheckDelay = TimeSpan.FromMinutes(1)).WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        using var client = new CancellationTokenSource();
        var first = h.HoldOf(client, actor);
        await ReadinessHarness.UntilAsync(() => h.Starter.CountWaiting(ReadinessHarness.Pool) == 1, "waits for a slot");

        // It asks again, and is still about to when the request leaves and another comes as the probe.
        var mayRenew = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        h.LinkedLiveness.MayRenew = mayRenew.Task;
        await h.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(0, h.Starter.CountWaiting(ReadinessHarness.Pool));
        await client.CancelAsync();
        Assert.Equal(HoldOutcome.ClientGone, (await first).Outcome);
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, new(PoolErrorKind.ServerlessHttpError, 500), TestToken);
        var probe = h.Hold(actor);
        await h.UntilHeldAsync(actor, 1);
        Assert.True(h.Waits.IsProbing(actor.Id));
        await h.AdvanceAsync(TimeSpan.FromMilliseconds(500));

        h.LinkedLiveness.MayRenew = Task.CompletedTask;
        mayRenew.SetResult();
        await h.AdvanceAsync(TimeSpan.FromSeconds(2));

        Assert.True(h.Waits.IsProbing(actor.Id));
        Assert.NotEqual(0, await h.Health.OpenProbeAsync(ReadinessHarness.Pool, TestToken));
        Assert.False(probe.IsCompleted);
    }

    [Fact]
    public async Task Hold_PoolKnown_TwoStoreCalls()
    {
        var h = (await new ReadinessHarness().WithPoolAsync()).Started();
        await h.AddRunnerAsync("r1");
        await h.Hold(await h.AddActorAsync("warm")).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        var actor = await h.AddActorAsync("a");
        await ReadinessHarness.UntilAsync(() => h.Waits.Count == 0 && !h.Starter.IsDriving(actor.Id), "quiet");
        var before = h.Link.Calls;

        var result = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        await ReadinessHarness.UntilAsync(() => !h.Starter.IsDriving(actor.Id), "the wake ended");

        Assert.Equal(HoldOutcome.Ready, result.Outcome);
        Assert.Equal(2, h.Link.Calls - before);
    }

    [Fact]
    public async Task Hold_HeardOfARevisionThatTheStoreDoesNotHave_ReadsOnceForIt()
    {
        var h = (await new ReadinessHarness().WithPoolAsync()).Started();
        await h.AddRunnerAsync("r1");
        h.Runners.OnStart("r1", HttpStatusCode.Accepted);
        var actor = await h.AddActorAsync("a");
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        var before = h.Link.Calls;

        ((IChangeSink)h.Starter).ActorChanged(actor.Id, actor.Pool, 1000);
        await ReadinessHarness.UntilAsync(() => h.Link.Calls > before, "read");
        await h.AdvanceAsync(TimeSpan.FromMilliseconds(500));

        Assert.Equal(1, h.Link.Calls - before);
        Assert.False(hold.IsCompleted);
    }

    /// <summary>Tried first, for it has most slots.</summary>
    private static async Task RefusesAsync(ReadinessHarness h)
    {
        await h.AddRunnerAsync("r1", slots: 100);
        h.Runners.OnStart("r1", HttpStatusCode.InternalServerError);
    }

    /// <summary>A runner whose slot another actor has, which is returned.</summary>
    private static async Task<ActorRecord> FullAsync(ReadinessHarness h)
    {
        var r2 = await h.AddRunnerAsync("r2", slots: 1);
        var other = await h.AddActorAsync("other");
        var others = (await h.Store.ListAsync(new RunnerQuery("ns", null, false, 10, null), TestToken)).Items;
        var grant = await h.Store.TryBeginStartAsync(
            new StartRequest(other.Id, other.Pool, "another", [.. others.Select(r => r.RunnerId).Where(id => id != r2.RunnerId)]), TestToken);
        Assert.Equal(r2.RunnerId, grant.Runner!.RunnerId);
        return grant.Actor!;
    }
}
