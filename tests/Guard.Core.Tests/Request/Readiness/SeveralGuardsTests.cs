using System.Net;
using Guard.Core.Diagnostics;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>One wake across all Guards of a store, and what becomes of the starts of a Guard that dies.</summary>
public sealed class SeveralGuardsTests
{
    private static readonly TimeSpan Settled = IGuardLiveness.Ttl + TimeSpan.FromSeconds(1);

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hold_OnBothGuards_OneStart()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);

        var holds = Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? a : b).Hold(actor)).ToArray();
        await a.UntilHeldAsync(actor, 100);
        await b.UntilHeldAsync(actor, 100);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        answer.SetResult(HttpStatusCode.OK);
        var all = Task.WhenAll(holds);
        await a.AdvanceUntilDoneAsync(all, most: TimeSpan.FromSeconds(5));

        Assert.All(await all, r => Assert.Equal(HoldOutcome.Ready, r.Outcome));
        Assert.Single(a.Runners.Starts);
        Assert.Empty(a.Runners.Stops);
    }

    [Fact]
    public async Task Hold_OtherGuardsStartFailsForGood_ItsErrorNoSecondStart()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        await a.AddRunnerAsync("r2");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        a.Runners.OnStart("r2", (_, _) => answer.Task);
        var ofA = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var ofB = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);
        await b.AdvanceAsync(TimeSpan.FromMilliseconds(100));

        answer.SetResult(HttpStatusCode.InternalServerError);
        await a.AdvanceUntilDoneAsync(Task.WhenAll(ofA, ofB), most: TimeSpan.FromSeconds(5));

        Assert.Equal("actor.crashed", (await ofA).Error!.FullCode);
        Assert.Equal("actor.crashed", (await ofB).Error!.FullCode);
        Assert.Equal(2, a.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_StarterIsKilled_OtherGuardTakesOverWithinFiveSeconds()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        a.Runners.OnStart("r1", Hangs);
        _ = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var hold = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        a.Kill();
        a.Runners.OnStart("r1", HttpStatusCode.OK);
        var took = await b.AdvanceUntilDoneAsync(hold);

        Assert.Equal(2, (await hold).Route!.Generation);
        Assert.InRange(took, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        Assert.Equal([1L, 2L], b.Runners.Starts.Select(s => s.Generation));
        await ReadinessHarness.UntilAsync(() => !b.Runners.Stops.IsEmpty, "told to stop");
        Assert.Equal([new StopCall("r1", actor.IdText, 1, "stale")], b.Runners.Stops);
    }

    [Fact]
    public async Task Hold_StarterStoppedCleanly_TakenOverAtTheNextLook()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        a.Runners.OnStart("r1", Hangs);
        _ = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var hold = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        a.Runners.OnStart("r1", HttpStatusCode.OK);
        a.Kill();
        await a.LivenessStore.EndAsync(a.Identity.Id, TestToken);
        var took = await b.AdvanceUntilDoneAsync(hold);

        Assert.Equal(2, (await hold).Route!.Generation);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(1.6));
    }

    [Fact]
    public async Task Hold_StarterIsKilledAndAllSlotsAreTaken_StartsWhenOneIsFree()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1", slots: 1);
        var actor = await a.AddActorAsync("a");
        a.Runners.OnStart("r1", Hangs);
        _ = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var hold = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        // The only slot is the dead start's own, and its runner cannot be reached from here: nowhere to go for the moment.
        a.Kill();
        b.Runners.RefuseConnections("r1");
        await b.AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.False(hold.IsCompleted);
        Assert.Contains(b.Runners.Stops, s => s is { Generation: 1, Reason: "stale" });

        b.Runners.OnStart("r1", HttpStatusCode.OK);
        await b.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(10));
        Assert.Equal(HoldOutcome.Ready, (await hold).Outcome);
    }

    [Fact]
    public async Task Hold_StarterIsAlive_IsNotTakenOverAndAskedForSeldom()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        _ = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var hold = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        await b.AdvanceAsync(TimeSpan.FromSeconds(8));
        Assert.InRange(b.LinkedLiveness.Asked, 4, 9);
        answer.SetResult(HttpStatusCode.OK);
        await b.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(2));

        Assert.Equal(1, (await hold).Route!.Generation);
        Assert.Single(a.Runners.Starts);
    }

    [Fact]
    public async Task Hold_StarterOnlyPaused_ItStopsItsGenerationAndFollowsTheNewOne()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        await a.AddRunnerAsync("r2");
        var actor = await a.AddActorAsync("a");
        var late = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (call, _) => call.Generation == 1 ? late.Task : Task.FromResult(HttpStatusCode.OK));
        a.Runners.OnStart("r2", (call, _) => call.Generation == 1 ? late.Task : Task.FromResult(HttpStatusCode.OK));
        var ofA = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var ofB = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        var resumed = a.Link.Pause();
        await b.AdvanceUntilDoneAsync(ofB, most: TimeSpan.FromSeconds(5));
        await ReadinessHarness.UntilAsync(() => b.Runners.Stops.Count == 1, "the new starter told the old runner");

        // It goes on where it was: its start has succeeded, it believes.
        late.SetResult(HttpStatusCode.OK);
        a.Link.Up();
        resumed.SetResult();
        await a.AdvanceUntilDoneAsync(ofA, most: TimeSpan.FromSeconds(3));

        Assert.Equal(2, (await ofA).Route!.Generation);
        Assert.Equal((await ofB).Route!.Revision, (await ofA).Route!.Revision);
        await ReadinessHarness.UntilAsync(() => b.Runners.Stops.Count == 2, "the old starter told it too");
        Assert.All(a.Runners.Stops, s => Assert.Equal(1, s.Generation));
        Assert.Equal(2, a.Runners.Starts.Count);
        Assert.Equal(ActorState.Ready, (await a.ReadAsync(actor)).State);
    }

    [Fact]
    public async Task Hold_EventsAreLost_RepairFindsTheOtherGuardsStart()
    {
        var (a, b) = await TwoGuardsAsync(deaf: true);
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        var ofA = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var ofB = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);
        await b.AdvanceAsync(TimeSpan.FromMilliseconds(200));
        answer.SetResult(HttpStatusCode.OK);

        var took = await b.AdvanceUntilDoneAsync(Task.WhenAll(ofA, ofB));
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(1.2));
    }

    [Fact]
    public async Task Hold_AnswerToTheGrantWasLost_TheSameGuardGoesOn()
    {
        var (a, _) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");

        // What the store granted, though nobody heard of it.
        await a.Store.TryBeginStartAsync(new StartRequest(actor.Id, actor.Pool, a.Identity.Id, []), TestToken);
        var hold = a.Hold(actor);
        await a.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(2));

        Assert.Equal(2, (await hold).Route!.Generation);
        Assert.Contains(a.Runners.Stops, s => s is { Generation: 1, Reason: "stale" });
    }

    [Fact]
    public async Task Probe_StartedByAnotherGuard_EndsWithThatStart()
    {
        var (a, b) = await TwoGuardsAsync();
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        var ofA = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        await b.Health.ReportErrorAsync(ReadinessHarness.Pool, new PoolError(PoolErrorKind.ServerlessHttpError, 500, "boom"), TestToken);

        // B's route is old: to B nobody starts the actor, so it asks for the probe.
        var ofB = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);
        await b.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        Assert.True(b.Waits.IsProbing(actor.Id));
        answer.SetResult(HttpStatusCode.OK);
        await b.AdvanceUntilDoneAsync(ofB, most: TimeSpan.FromSeconds(2));

        Assert.Equal(HoldOutcome.Ready, (await ofB).Outcome);
        Assert.True((await b.Health.TryGrantProbeAsync(ReadinessHarness.Pool, TimeSpan.FromSeconds(5), TestToken)).IsGranted, "the probe had success");
        _ = ofA;
    }

    [Fact]
    public async Task Sweep_StarterIsKilledAndNobodyWaits_SlotIsFreeAndRunnerTold()
    {
        var (a, b) = await TwoGuardsAsync(sweep: true);
        var runner = await a.AddRunnerAsync("r1", slots: 1);
        var actor = await a.AddActorAsync("a");
        a.Runners.OnStart("r1", Hangs);
        _ = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");

        a.Kill();
        await b.AdvanceAsync(TimeSpan.FromSeconds(9));

        var record = await b.ReadAsync(actor);
        Assert.Equal(ActorState.Sleeping, record.State);
        Assert.Null(record.Error);
        Assert.Equal(1, (await b.Store.GetAsync(runner.RunnerId, TestToken))!.RemainingSlots);
        Assert.Equal([new StopCall("r1", actor.IdText, 1, "stale")], b.Runners.Stops);

        b.Runners.OnStart("r1", HttpStatusCode.OK);
        var hold = b.Hold(actor);
        await b.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await hold).Route!.Generation);
    }

    [Fact]
    public async Task Sweep_StarterOnlyPaused_ItStopsItsGenerationAndWakesAnew()
    {
        var (a, b) = await TwoGuardsAsync(sweep: true);
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var late = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (call, _) => call.Generation == 1 ? late.Task : Task.FromResult(HttpStatusCode.OK));
        var hold = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");

        var resumed = a.Link.Pause();
        await b.AdvanceAsync(TimeSpan.FromSeconds(9));
        Assert.Equal(ActorState.Sleeping, (await b.ReadAsync(actor)).State);
        late.SetResult(HttpStatusCode.OK);
        a.Link.Up();
        resumed.SetResult();
        await a.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(3));

        Assert.Equal(2, (await hold).Route!.Generation);
        Assert.Equal([new StopCall("r1", actor.IdText, 1, "stale"), new StopCall("r1", actor.IdText, 1, "stale")], a.Runners.Stops);
    }

    [Fact]
    public async Task Sweep_LivingStartersAndOwnWakes_AreLeftAlone()
    {
        var (a, b) = await TwoGuardsAsync(sweep: true);
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        using var client = new CancellationTokenSource();
        var hold = a.HoldOf(client, actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        await client.CancelAsync();
        await hold;

        await b.AdvanceAsync(TimeSpan.FromSeconds(9));
        Assert.Equal(ActorState.Starting, (await a.ReadAsync(actor)).State);
        answer.SetResult(HttpStatusCode.OK);
        await b.AdvanceAsync(TimeSpan.FromMilliseconds(200));

        Assert.Equal(ActorState.Ready, (await a.ReadAsync(actor)).State);
        Assert.Empty(a.Runners.Stops);
    }

    [Fact]
    public async Task Sweep_OwnStartNobodyDrives_IsGivenBack()
    {
        var (a, b) = await TwoGuardsAsync(sweep: true);
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        await a.Store.TryBeginStartAsync(new StartRequest(actor.Id, actor.Pool, a.Identity.Id, []), TestToken);

        // To B the starter lives, so only A itself can tell.
        var hold = b.Hold(actor);
        await b.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(9));

        Assert.Equal(2, (await hold).Route!.Generation);
        Assert.Contains(a.Runners.Stops, s => s is { Generation: 1, Reason: "stale" });
    }

    private static Task<HttpStatusCode> Hangs(StartCall call, CancellationToken cancellationToken)
        => new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously).Task;

    /// <summary>Two Guards that have renewed for long enough to judge each other.</summary>
    private static async Task<(ReadinessHarness A, ReadinessHarness B)> TwoGuardsAsync(bool sweep = false, bool deaf = false)
    {
        var a = await new ReadinessHarness(deaf: deaf).WithPoolAsync();
        var b = a.AddGuard().Started(sweep);
        a.Started(sweep);
        await a.AdvanceAsync(Settled, TimeSpan.FromMilliseconds(500));
        return (a, b);
    }
}
