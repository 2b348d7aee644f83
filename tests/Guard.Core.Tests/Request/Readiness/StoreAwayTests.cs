using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>The request flow while the store does not answer (docs/contract.md, section 4, item 7).</summary>
public sealed class StoreAwayTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    public static TheoryData<bool> Ways => [false, true];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Hold_StoreAwayThroughout_UnavailableAtTheDeadline(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        Away(h, hangs);

        var hold = h.Hold(actor);
        var took = await h.AdvanceUntilDoneAsync(hold, TimeSpan.FromMilliseconds(200));

        Assert.Equal("guard.service_unavailable", (await hold).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30.4));
        Assert.Equal(0, h.Limiter.Held);
    }

    [Fact]
    public async Task Hold_StoreHangsAndDeadlineIsShorterThanItsCalls_AnsweredInTime()
    {
        var h = await new ReadinessHarness(o => o.Readiness.Timeout = TimeSpan.FromMilliseconds(500)).WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Link.Hang();

        var hold = h.Hold(actor);
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal("guard.service_unavailable", (await hold).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.7));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Hold_StoreComesBack_WakesThenAndIsReady(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        Away(h, hangs);
        var hold = h.Hold(actor);
        await h.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.False(hold.IsCompleted);

        h.Link.Up();
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Equal(HoldOutcome.Ready, (await hold).Outcome);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(2.2));
        Assert.Single(h.Runners.Starts);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Hold_StoreHangsManyArrive_CallsDoNotGrowWithThem(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        Away(h, hangs);
        var first = h.Hold(actor);
        await h.AdvanceAsync(TimeSpan.FromSeconds(5));
        var before = h.Link.Calls;
        var more = Enumerable.Range(0, 500).Select(_ => h.Hold(actor)).ToArray();
        await h.AdvanceAsync(TimeSpan.FromSeconds(5));

        Assert.InRange(h.Link.Calls - before, 0, 50);
        Assert.Equal(501, h.Limiter.Held);
        h.Link.Up();
        await h.AdvanceUntilDoneAsync(Task.WhenAll(more.Append(first)), most: TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Hold_ClientLeavesWhileStoreHangs_PlaceIsFreeAtOnce()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        h.Link.Hang();
        using var client = new CancellationTokenSource();
        var hold = h.HoldOf(client, actor);
        await ReadinessHarness.UntilAsync(() => h.Limiter.Held == 1, "held");

        await client.CancelAsync();

        Assert.Equal(HoldOutcome.ClientGone, (await hold.WaitAsync(TimeSpan.FromSeconds(10), TestToken)).Outcome);
        Assert.Equal(0, h.Limiter.Held);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Hold_StartSentWhenStoreGoes_SettlesWhenItIsBack(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        h.Runners.OnStart("r1", (_, _) => answer.Task);
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");

        Away(h, hangs);
        answer.SetResult(HttpStatusCode.OK);
        await h.AdvanceAsync(TimeSpan.FromSeconds(40), TimeSpan.FromMilliseconds(500));
        Assert.Equal("guard.service_unavailable", (await hold).Error!.FullCode);

        // Nobody waits any more; the start is settled all the same.
        h.Link.Up();
        await h.AdvanceAsync(TimeSpan.FromSeconds(2.2));
        Assert.Equal(ActorState.Ready, (await h.ReadAsync(actor)).State);
        Assert.Empty(h.Runners.Stops);
        await ReadinessHarness.UntilAsync(() => !h.Starter.IsDriving(actor.Id), "the wake ended");
    }

    [Fact]
    public async Task Hold_StartAcceptedAndStoreAwayFor40Seconds_RunnerHasItsTimeToSayReady()
    {
        var h = await new ReadinessHarness(o => o.Readiness.Timeout = TimeSpan.FromSeconds(90)).WithPoolAsync();
        var runner = await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        h.Runners.OnStart("r1", HttpStatusCode.Accepted);
        var hold = h.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        await h.AdvanceAsync(TimeSpan.FromSeconds(2));

        h.Link.Refuse();
        await h.AdvanceAsync(TimeSpan.FromSeconds(40), TimeSpan.FromMilliseconds(500));
        h.Link.Up();
        await h.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(h.Runners.Stops);
        await h.Store.ApplyEventAsync(runner.RunnerId, new(actor.Id, 1, RunnerEventKind.Ready, null), TestToken);
        await h.AdvanceUntilDoneAsync(hold, most: TimeSpan.FromSeconds(2));

        Assert.Equal(HoldOutcome.Ready, (await hold).Outcome);
    }

    [Fact]
    public async Task Hold_RedPoolAndStoreGoes_UnknownIsGreen()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        await h.Health.ReportErrorAsync(ReadinessHarness.Pool, new PoolError(PoolErrorKind.ServerlessHttpError, 500, "boom"), TestToken);
        h.Link.Refuse();
        await h.AdvanceAsync(TimeSpan.FromSeconds(5));

        var hold = h.Hold(actor);
        await h.AdvanceAsync(TimeSpan.FromSeconds(5));

        Assert.False(hold.IsCompleted);
    }

    [Fact]
    public async Task Hold_StoreWasAwayForLongerThanATtl_NoLivingGuardsStartIsTakenOver()
    {
        var a = (await new ReadinessHarness().WithPoolAsync()).Started(sweep: true);
        var b = a.AddGuard().Started(sweep: true);
        await a.AddRunnerAsync("r1");
        var actor = await a.AddActorAsync("a");
        var answer = new TaskCompletionSource<HttpStatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        a.Runners.OnStart("r1", (_, _) => answer.Task);
        await a.AdvanceAsync(TimeSpan.FromSeconds(4), TimeSpan.FromMilliseconds(500));
        var ofA = a.Hold(actor);
        await ReadinessHarness.UntilAsync(() => !a.Runners.Starts.IsEmpty, "started");
        var ofB = b.Hold(actor);
        await b.UntilHeldAsync(actor, 1);

        a.Link.Refuse();
        b.Link.Refuse();
        await a.AdvanceAsync(TimeSpan.FromSeconds(8), TimeSpan.FromMilliseconds(500));

        // A's connection comes back later than B's.
        b.Link.Up();
        await a.AdvanceAsync(TimeSpan.FromSeconds(2));
        a.Link.Up();
        await a.AdvanceAsync(TimeSpan.FromSeconds(4));
        Assert.Single(a.Runners.Starts);
        Assert.Empty(a.Runners.Stops);
        answer.SetResult(HttpStatusCode.OK);
        await a.AdvanceUntilDoneAsync(Task.WhenAll(ofA, ofB), most: TimeSpan.FromSeconds(2));
        Assert.Equal(1, (await ofB).Route!.Generation);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Unrouted_StoreAway_HeldToTheDeadlineNever404(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var id = ActorId.New(1);
        Assert.Equal("actor.not_found", (await h.Resolver.ResolveAsync(id, TestToken)).Error!.FullCode);

        // What was just found missing is not known to be missing now.
        Away(h, hangs);
        h.Link.Contact.Set(isUp: false);
        Assert.Null(h.Resolver.TryResolve(new ActorTarget { Form = RouteForm.Direct, Id = id }, h.Time.GetTimestamp(), out var error));
        Assert.Null(error);
        var resolve = Resolve(h, id);
        var took = await h.AdvanceUntilDoneAsync(resolve, TimeSpan.FromMilliseconds(200));

        Assert.Equal("guard.service_unavailable", (await resolve).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(29.8), TimeSpan.FromSeconds(30.4));
        Assert.Equal(0, h.Limiter.Held);
    }

    [Fact]
    public async Task Unrouted_StoreHangsBeyondTheDeadline_AnsweredInTime()
    {
        var h = await new ReadinessHarness(o => o.Readiness.Timeout = TimeSpan.FromMilliseconds(300)).WithPoolAsync();
        h.Link.Hang();
        var resolve = Resolve(h, ActorId.New(1));
        var took = await h.AdvanceUntilDoneAsync(resolve);

        Assert.Equal("guard.service_unavailable", (await resolve).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task Unrouted_ContactLost_TheStoreIsLeftAloneUntilItIsBack()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        h.Link.Refuse();
        h.Link.Contact.Set(isUp: false);
        var resolve = Resolve(h, actor.Id);
        await h.AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.InRange(h.Link.Calls, 1, 2);

        h.Link.Up();
        var took = await h.AdvanceUntilDoneAsync(resolve);
        Assert.Equal(actor.Id, (await resolve).Route!.Id);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(1.2));
    }

    [Fact]
    public async Task Unrouted_NameKnownMissing_IsNotAnAnswerWhileTheStoreIsAway()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var query = new ActorQueryTarget("ns", "counter", "nobody", Create: false, Pool: null, Input: null, Region: null, CrashPolicy.Sleep);
        Assert.Equal("actor.not_found", (await h.Resolver.ResolveAsync(query, TestToken)).Error!.FullCode);
        h.Link.Refuse();
        h.Link.Contact.Set(isUp: false);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => h.Resolver.ResolveAsync(query, TestToken));
    }

    [Fact]
    public async Task Route_ReReadAfterAGapFails_LastKnownIsServed()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var ready = await ReadyAsync(h);
        ((IChangeSink)h.Routes).Gap();
        Assert.Null(Cached(h, ready.Id));
        h.Link.Refuse();

        Assert.Same(ready, (await h.Resolver.ResolveAsync(ready.Id, TestToken)).Route);
    }

    [Fact]
    public async Task Route_RunnerSaidWrong_IsNotServedWhileTheStoreIsAway()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var ready = await ReadyAsync(h);
        h.Link.Refuse();
        h.Link.Contact.Set(isUp: false);
        Assert.Same(ready, Cached(h, ready.Id));

        await Assert.ThrowsAsync<StoreUnavailableException>(() => h.Disowned.SettleAsync(ready, TestToken));

        Assert.Null(Cached(h, ready.Id));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => h.Resolver.ResolveAsync(ready.Id, TestToken));

        // The store confirms it: the runner was wrong to say so, or only late.
        h.Link.Up();
        Assert.NotNull((await h.Resolver.ResolveAsync(ready.Id, TestToken)).Route);
        Assert.NotNull(Cached(h, ready.Id));
    }

    [Fact]
    public async Task Route_RunnerWasNotReached_IsServedWhileTheStoreIsAway()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var ready = await ReadyAsync(h);
        h.Link.Refuse();
        h.Link.Contact.Set(isUp: false);

        h.Routes.Expire(ready);

        Assert.Same(ready, Cached(h, ready.Id));
        Assert.Same(ready, (await h.Resolver.ResolveAsync(ready.Id, TestToken)).Route);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Hold_RunnerNotReachedOnceWhileTheStoreIsAway_CachedRouteIsTriedAgain(bool hangs)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var ready = await ReadyAsync(h);
        Away(h, hangs);
        h.Link.Contact.Set(isUp: false);

        var hold = h.Gate.HoldAsync(ready, h.Arriving(), false, (ready, TimeSpan.FromSeconds(0.5)), CancellationToken.None);
        var took = await h.AdvanceUntilDoneAsync(hold);

        Assert.Same(ready, (await hold).Route);
        Assert.InRange(took, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(3.5));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(60)]
    public async Task Resolve_OptionsReloadedWhileItWaits_KeepsItsDeadline(int reloaded)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actor = await h.AddActorAsync("a");
        h.Link.Refuse();
        var resolving = Resolve(h, actor.Id);
        await h.AdvanceAsync(TimeSpan.FromSeconds(2));

        h.Live.Publish(new GuardOptions { Readiness = new() { Timeout = TimeSpan.FromSeconds(reloaded) } });
        var took = await h.AdvanceUntilDoneAsync(resolving);

        Assert.Equal("guard.service_unavailable", (await resolving).Error!.FullCode);
        Assert.InRange(took, TimeSpan.FromSeconds(27.8), TimeSpan.FromSeconds(29));
    }

    private static async Task<ActorRoute> ReadyAsync(ReadinessHarness h)
    {
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        await ReadinessHarness.UntilAsync(() => h.Waits.Count == 0, "the wait closed");
        return Cached(h, actor.Id)!;
    }

    private static ActorRoute? Cached(ReadinessHarness h, ActorId id) => h.Routes.Find(id, h.Time.GetTimestamp(), out _);

    private static Task<Resolution> Resolve(ReadinessHarness h, ActorId id)
        => h.Unrouted.ResolveAsync(ct => h.Resolver.ResolveAsync(id, ct), h.Arriving(), CancellationToken.None);

    private static void Away(ReadinessHarness h, bool hangs)
    {
        if (hangs)
        {
            h.Link.Hang();
        }
        else
        {
            h.Link.Refuse();
        }
    }
}
