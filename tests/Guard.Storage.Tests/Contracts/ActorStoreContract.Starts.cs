using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

public abstract partial class ActorStoreContract
{
    [Fact]
    public async Task TryBeginStartAsync_Sleeping_GrantedWithSlotAndNextGeneration()
    {
        var runner = await AddRunnerAsync(slots: 2);
        var actor = await AddActorAsync();
        await Store.SettleAsync();
        Store.Feed.Clear();

        var grant = await BeginAsync(actor);

        Assert.Equal(StartGrantStatus.Granted, grant.Status);
        Assert.Null(grant.Replaced);
        Assert.Equal((runner.RunnerId, 1), (grant.Runner!.RunnerId, grant.Runner.RemainingSlots));
        var starting = await GetAsync(actor);
        Assert.Equal((ActorState.Starting, 1L, actor.Revision + 1), (starting.State, starting.Generation, starting.Revision));
        Assert.Equal((runner.Address, "guard-1"), (starting.Runner!, starting.Starter));
        Assert.False(string.IsNullOrEmpty(starting.StartId));
        Assert.Equal(starting.StartId, grant.Actor!.StartId);
        Assert.InRange(starting.StartTs, Store.Now - 5000, Store.Now);
        await Store.SettleAsync();
        Assert.True(Store.Feed.Saw(actor.Id, starting.Revision));
    }

    [Fact]
    public async Task TryBeginStartAsync_NotSleeping_SaysWhy()
    {
        await AddRunnerAsync();
        var starting = await AddStartingAsync();
        var ready = await AddReadyAsync();
        var destroyed = await AddActorAsync();
        await Store.Actors.DestroyAsync(destroyed.Id, Ct);

        var elsewhere = await BeginAsync(starting);
        Assert.Equal((StartGrantStatus.StartingElsewhere, "guard-1"), (elsewhere.Status, elsewhere.Actor!.Starter));
        var already = await BeginAsync(ready);
        Assert.Equal((StartGrantStatus.AlreadyReady, ready.Revision), (already.Status, already.Actor!.Revision));
        Assert.Equal(StartGrantStatus.Destroyed, (await BeginAsync(destroyed)).Status);
        var unknown = await BeginAsync(ready with { Id = ActorId.New(1) });
        Assert.Equal((StartGrantStatus.NotFound, null), (unknown.Status, unknown.Actor));
        Assert.Equal(StartGrantStatus.NotFound, (await BeginAsync(ready with { Pool = Other })).Status);
    }

    [Fact]
    public async Task TryBeginStartAsync_Racing_ExactlyOneGranted()
    {
        var runner = await AddRunnerAsync(slots: 100);
        var actor = await AddActorAsync();

        var grants = await RaceAsync(100, _ => BeginAsync(actor).AsTask());

        Assert.Single(grants, g => g.Status == StartGrantStatus.Granted);
        Assert.Equal(99, grants.Count(g => g.Status == StartGrantStatus.StartingElsewhere && g.Actor!.Generation == 1));
        Assert.Equal(99, (await GetAsync(runner)).RemainingSlots);
    }

    [Fact]
    public async Task TryBeginStartAsync_MoreActorsThanSlots_NeverMoreThanSlots()
    {
        var runners = new[] { await AddRunnerAsync(slots: 3), await AddRunnerAsync(slots: 4) };
        var actors = new List<ActorRecord>();
        for (var i = 0; i < 50; i++)
        {
            actors.Add(await AddActorAsync());
        }

        var grants = await RaceAsync(50, i => BeginAsync(actors[i]).AsTask());

        Assert.Equal(7, grants.Count(g => g.Status == StartGrantStatus.Granted));
        Assert.Equal(43, grants.Count(g => g.Status == StartGrantStatus.NoCapacity));
        foreach (var runner in runners)
        {
            Assert.Equal(0, (await GetAsync(runner)).RemainingSlots);
            Assert.Equal(runner.TotalSlots, (await Store.Runners.GetActorsAsync(runner.RunnerId, Ct))!.Actors.Count);
        }
    }

    [Fact]
    public async Task TryBeginStartAsync_NoRunner_NoCapacityOnce()
    {
        var actor = await AddActorAsync();

        var grant = await BeginAsync(actor);

        Assert.Equal(StartGrantStatus.NoCapacity, grant.Status);
        var waiting = await GetAsync(actor);
        Assert.Equal((ActorState.Pending, 0L, ActorErrorKind.NoCapacity), (waiting.State, waiting.Generation, waiting.Error!.Kind));
        Assert.InRange(waiting.PendingAllocationTs, Store.Now - 5000, Store.Now);
        Assert.Equal(waiting.PendingAllocationTs, grant.Actor!.PendingAllocationTs);
        await Store.SettleAsync();
        Assert.True(Store.Feed.Saw(actor.Id, waiting.Revision));

        // Waiting makes no events: those who wait would wake each other for ever.
        await Store.SettleAsync();
        Store.Feed.Clear();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(actor)).Status);
        await Store.SettleAsync();
        Assert.Equal((waiting.Revision, waiting.PendingAllocationTs), ((await GetAsync(actor)).Revision, (await GetAsync(actor)).PendingAllocationTs));
        Assert.Empty(Store.Feed.Actors);

        await AddRunnerAsync();
        Assert.Equal((StartGrantStatus.Granted, 0L), ((await BeginAsync(actor)).Status, (await GetAsync(actor)).PendingAllocationTs));
    }

    [Fact]
    public async Task TryBeginStartAsync_RunnersThatDoNotServe_AreLeftOut()
    {
        var draining = await AddRunnerAsync();
        await Store.Runners.DrainAsync(draining.RunnerId, Ct);
        var deleted = await AddRunnerAsync();
        await Store.Runners.DeleteAsync(deleted.RunnerId, Ct);
        var excluded = await AddRunnerAsync();
        await AddRunnerAsync(slots: 0);
        await AddRunnerAsync(pool: Other);
        var actor = await AddActorAsync();

        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(actor, null, excluded.RunnerId)).Status);
        Assert.Equal(excluded.RunnerId, (await BeginAsync(actor)).Runner!.RunnerId);
    }

    [Fact]
    public async Task TryBeginStartAsync_NoCapacityAfterTries_SaysWhetherAnEligibleRunnerIsUntried()
    {
        var tried = await AddRunnerAsync();
        var draining = await AddRunnerAsync();
        await Store.Runners.DrainAsync(draining.RunnerId, Ct);
        await AddRunnerAsync(slots: 0);
        var actor = await AddActorAsync();

        Assert.False((await TryAsync([], [tried.RunnerId])).HasUntried);
        var suspect = await AddRunnerAsync();
        Assert.True((await TryAsync([suspect.RunnerId], [tried.RunnerId])).HasUntried);
        Assert.False((await TryAsync([], [tried.RunnerId, suspect.RunnerId])).HasUntried);
        await AddRunnerAsync(slots: 1);
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(await AddActorAsync(), null, tried.RunnerId, suspect.RunnerId)).Status);
        Assert.True((await TryAsync([], [tried.RunnerId, suspect.RunnerId])).HasUntried);

        async Task<StartGrant> TryAsync(string[] exclude, string[] triedIds)
        {
            var grant = await Store.Actors.TryBeginStartAsync(new(actor.Id, actor.Pool, "guard-1", exclude, Tried: triedIds), Ct);
            Assert.Equal(StartGrantStatus.NoCapacity, grant.Status);
            return grant;
        }
    }

    [Fact]
    public async Task CommitReadyAsync_ReturnsTheActorWhateverCameOfIt()
    {
        await AddRunnerAsync();
        var starting = await AddStartingAsync();

        Assert.Equal(starting.Revision, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation + 1, Ct)).Actor!.Revision);
        var ready = await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct);
        Assert.Equal((TransitionResult.Ok, ActorState.Ready, starting.Revision + 1), (ready.Result, ready.Actor!.State, ready.Actor.Revision));
        Assert.Equal(ready.Actor.ConnectableTs, (await GetAsync(starting)).ConnectableTs);
        Assert.Equal(ready.Actor.Revision, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Actor!.Revision);
        Assert.Null((await Store.Actors.CommitReadyAsync(ActorId.New(1), Pool, 1, Ct)).Actor);
    }

    [Fact]
    public async Task TryBeginStartAsync_HeartbeatNotYoungerThanEligibleAfter_NotEligible()
    {
        Store.Options.Runners.EligibleAfter = TimeSpan.FromSeconds(10);
        var runner = await AddRunnerAsync();
        var actor = await AddActorAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(actor)).Status);

        await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(9));
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(actor)).Status);
    }

    [Fact]
    public async Task TryBeginStartAsync_StaticRunner_EligibleForEver()
    {
        await AddRunnerAsync(isStatic: true);
        await Store.AdvanceAsync(TimeSpan.FromDays(1));

        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(await AddActorAsync())).Status);
    }

    [Fact]
    public async Task TryBeginStartAsync_SeveralVersionsThatDoNotDrain_NewestWithAFreeSlot()
    {
        Config = Config with { DrainOnVersionUpgrade = false };
        var old = await AddRunnerAsync(slots: 50, version: 1);
        var newest = await AddRunnerAsync(slots: 2, version: 3);
        var middle = await AddRunnerAsync(slots: 1, version: 2);

        var used = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            used.Add((await BeginAsync(await AddActorAsync())).Runner!.RunnerId);
        }

        Assert.Equal([newest.RunnerId, newest.RunnerId, middle.RunnerId, old.RunnerId], used);
    }

    [Fact]
    public async Task TryBeginStartAsync_TwoRunners_MostFree()
    {
        await AddRunnerAsync(slots: 3);
        var large = await AddRunnerAsync(slots: 10);

        for (var i = 0; i < 7; i++)
        {
            Assert.Equal(large.RunnerId, (await BeginAsync(await AddActorAsync())).Runner!.RunnerId);
        }
    }

    [Fact]
    public async Task TryBeginStartAsync_TakeOver_NextGenerationAndOneSlot()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var starting = await AddStartingAsync();

        Assert.Equal(StartGrantStatus.StartingElsewhere, (await BeginAsync(starting, takeOver: starting.Generation - 1)).Status);
        Assert.Equal(StartGrantStatus.StartingElsewhere, (await BeginAsync(starting, takeOver: starting.Generation + 1)).Status);
        var grant = await BeginAsync(starting, takeOver: starting.Generation);

        // The only slot there is was the one it gave back.
        Assert.Equal((StartGrantStatus.Granted, starting.Generation + 1), (grant.Status, grant.Actor!.Generation));
        Assert.Equal((starting.Generation, starting.StartId), (grant.Replaced!.Generation, grant.Replaced.StartId));
        Assert.NotEqual(starting.StartId, grant.Actor.StartId);
        Assert.Equal(0, (await GetAsync(runner)).RemainingSlots);
        Assert.Equal(TransitionResult.Stale, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Result);
        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, grant.Actor.Generation, Ct)).Result);
    }

    [Fact]
    public async Task TryBeginStartAsync_TakeOverRacing_OneGranted()
    {
        await AddRunnerAsync(slots: 100);
        var starting = await AddStartingAsync();

        var grants = await RaceAsync(50, _ => BeginAsync(starting, starting.Generation).AsTask());

        Assert.Single(grants, g => g.Status == StartGrantStatus.Granted);
        Assert.Equal(2, (await GetAsync(starting)).Generation);
    }

    [Fact]
    public async Task TryBeginStartAsync_TakeOverOfTheOnlySlot_ItsSlotCountsAsFree()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var starting = await AddStartingAsync();

        var grant = await BeginAsync(starting, starting.Generation);

        Assert.Equal((StartGrantStatus.Granted, runner.RunnerId), (grant.Status, grant.Runner!.RunnerId));
        Assert.Equal(0, (await GetAsync(runner)).RemainingSlots);
    }

    [Fact]
    public async Task TryBeginStartAsync_TakeOverWithoutCapacity_TheGenerationStaysAsItIs()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var starting = await AddStartingAsync();

        var grant = await BeginAsync(starting, starting.Generation, runner.RunnerId);

        Assert.Equal((StartGrantStatus.NoCapacity, null), (grant.Status, grant.Replaced));
        Assert.Equal((ActorState.Starting, starting.Revision), ((await GetAsync(starting)).State, (await GetAsync(starting)).Revision));
        Assert.Equal(0, (await GetAsync(runner)).RemainingSlots);
        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Result);
    }

    [Fact]
    public async Task CommitReadyAsync_Starting_ReadyAndOneSuccess()
    {
        await AddRunnerAsync();
        var starting = await AddStartingAsync();

        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Result);

        var ready = await GetAsync(starting);
        Assert.Equal((ActorState.Ready, starting.Revision + 1, starting.Runner), (ready.State, ready.Revision, ready.Runner));
        Assert.Null(ready.Starter);
        Assert.Null(ready.Error);
        Assert.InRange(ready.ConnectableTs, Store.Now - 5000, Store.Now);
        Assert.Equal(1, await Store.SuccessesAsync(Pool));

        // The runner's own `ready` came first: fine, and not a second success.
        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Result);
        Assert.Equal(ready.Revision, (await GetAsync(starting)).Revision);
        Assert.Equal(1, await Store.SuccessesAsync(Pool));
    }

    [Fact]
    public async Task Commits_WrongGenerationStateOrPool_Refused()
    {
        await AddRunnerAsync();
        var starting = await AddStartingAsync();
        var ready = await AddReadyAsync();
        var sleeping = await AddActorAsync();
        var destroyed = await AddStartingAsync();
        await Store.Actors.DestroyAsync(destroyed.Id, Ct);
        var error = new ActorError(ActorErrorKind.InternalError);
        var successes = await Store.SuccessesAsync(Pool);

        Assert.Equal(TransitionResult.Stale, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, 0, Ct)).Result);
        Assert.Equal(TransitionResult.Stale, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, 2, Ct)).Result);
        Assert.Equal(TransitionResult.Stale, (await Store.Actors.CommitReadyAsync(sleeping.Id, Pool, 0, Ct)).Result);
        Assert.Equal(TransitionResult.Stale, (await Store.Actors.CommitReadyAsync(destroyed.Id, Pool, 1, Ct)).Result);
        Assert.Equal(TransitionResult.NotFound, (await Store.Actors.CommitReadyAsync(starting.Id, Other, 1, Ct)).Result);
        Assert.Equal(TransitionResult.NotFound, (await Store.Actors.CommitReadyAsync(ActorId.New(1), Pool, 1, Ct)).Result);
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitStartFailedAsync(ready.Id, Pool, 1, error, true, Ct));
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitStartFailedAsync(starting.Id, Pool, 2, error, true, Ct));
        Assert.Equal(TransitionResult.NotFound, await Store.Actors.CommitStartFailedAsync(starting.Id, Other, 1, error, true, Ct));
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitDisownedAsync(starting.Id, Pool, 1, Ct));
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitDisownedAsync(ready.Id, Pool, 2, Ct));
        Assert.Equal(TransitionResult.NotFound, await Store.Actors.CommitDisownedAsync(ready.Id, Other, 1, Ct));

        Assert.Equal((starting.Revision, ready.Revision), ((await GetAsync(starting)).Revision, (await GetAsync(ready)).Revision));
        Assert.Equal(successes, await Store.SuccessesAsync(Pool));
    }

    [Fact]
    public async Task CommitStartFailedAsync_Retryable_SleepsWithoutErrorAndSlotIsBackOnce()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var starting = await AddStartingAsync(CrashPolicy.Destroy);
        await Store.SettleAsync();
        Store.Feed.Clear();

        var results = await RaceAsync(20, _ => Store.Actors.CommitStartFailedAsync(
            starting.Id, Pool, 1, new(ActorErrorKind.RunnerNoResponse, runner.RunnerId), false, Ct).AsTask());

        Assert.Single(results, r => r == TransitionResult.Ok);
        var after = await GetAsync(starting);
        Assert.Equal((ActorState.Sleeping, null, null), (after.State, after.Error, after.Runner));
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
        Assert.Equal(0, await Store.SuccessesAsync(Pool));
    }

    [Theory]
    [InlineData("Sleep", "Crashed")]
    [InlineData("Restart", "Crashed")]
    [InlineData("Destroy", "Destroyed")]
    public async Task CommitStartFailedAsync_Final_AsTheCrashPolicySays(string policyName, string stateName)
    {
        var (policy, state) = (Enum.Parse<CrashPolicy>(policyName), Enum.Parse<ActorState>(stateName));
        var runner = await AddRunnerAsync(slots: 1);
        var starting = await AddStartingAsync(policy);
        var error = new ActorError(ActorErrorKind.RunnerNoResponse, runner.RunnerId);

        Assert.Equal(TransitionResult.Ok, await Store.Actors.CommitStartFailedAsync(starting.Id, Pool, 1, error, true, Ct));

        var after = await GetAsync(starting);
        Assert.Equal((state, error), (after.State, after.Error));
        Assert.Equal(policy == CrashPolicy.Restart, after.RescheduleTs > 0);
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        if (state == ActorState.Sleeping)
        {
            // Whatever the policy: the next request wakes it.
            Assert.Equal((StartGrantStatus.Granted, 2L), ((await BeginAsync(after)).Status, (await GetAsync(after)).Generation));
        }
    }

    [Fact]
    public async Task CommitDisownedAsync_Ready_SleepsWithoutErrorAndSlotIsBackOnce()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var ready = await AddReadyAsync(CrashPolicy.Destroy);

        var results = await RaceAsync(20, _ => Store.Actors.CommitDisownedAsync(ready.Id, Pool, ready.Generation, Ct).AsTask());

        Assert.Single(results, r => r == TransitionResult.Ok);
        var after = await GetAsync(ready);
        Assert.Equal((ActorState.Sleeping, null, 0L), (after.State, after.Error, after.ConnectableTs));
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
    }
}
