using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>The lease of a pool, drains and restarts.</summary>
public abstract class UpkeepStoreContract : StoreContract
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private bool _isSwept;

    private ValueTask<PoolSweep?> SweepAsync(string guard, TimeSpan? lostAfter = null, long epoch = 1)
    {
        _isSwept = true;
        return Store.Upkeep.SweepAsync(new(Pool, new(guard, epoch), lostAfter ?? TimeSpan.MaxValue), Ct);
    }

    /// <summary>As the Guard "a", which keeps the pool.</summary>
    private async ValueTask<Eviction> EvictAsync(RunnerRecord runner, int most = 100, TimeSpan delay = default)
    {
        if (!_isSwept)
        {
            await SweepAsync("a");
        }

        return await Store.Upkeep.EvictAsync(new(Pool, new("a", 1), runner.RunnerId, delay, Grace, most), Ct);
    }

    private ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(string guard, bool isLeaving = false)
        => Store.Upkeep.LeaseAsync(new(guard, Ttl, isLeaving), Ct);

    private async Task<RunnerRegistration> RegisterAsync(int version, string? key = null, int slots = 10)
    {
        await PutPoolAsync();
        return (await Store.Runners.RegisterAsync(NewRunner(slots, key, version), Ct))!;
    }

    private async Task<IEnumerable<bool>> DrainingAsync(params RunnerRecord[] runners)
    {
        var draining = new List<bool>();
        foreach (var runner in runners)
        {
            draining.Add((await GetAsync(runner)).DrainTs != 0);
        }

        return draining;
    }

    [Fact]
    public async Task LeaseAsync_SeveralGuards_OneHoldsAPartitionUntilItsLeaseRunsOut()
    {
        var first = await LeaseAsync("a");
        Assert.Equal(Enumerable.Range(0, UpkeepPartition.Count), first.Select(l => l.Partition).Order());
        Assert.Empty(await LeaseAsync("b"));
        await Store.AdvanceAsync(TimeSpan.FromSeconds(5));

        var second = await LeaseAsync("b");

        Assert.Equal(UpkeepPartition.Count, second.Count);
        Assert.All(second.Zip(first.OrderBy(l => l.Partition)), l => Assert.True(l.First.Epoch > l.Second.Epoch));
        Assert.Empty(await LeaseAsync("a"));
    }

    [Fact]
    public async Task LeaseAsync_RenewedInTime_SameEpoch_RanOutAndSameGuard_HigherOne()
    {
        var first = await LeaseAsync("a");
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(first.ToHashSet(), (await LeaseAsync("a")).ToHashSet());
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(first.ToHashSet(), (await LeaseAsync("a")).ToHashSet());

        await Store.AdvanceAsync(Ttl + TimeSpan.FromSeconds(1));

        Assert.True((await LeaseAsync("a")).Min(l => l.Epoch) > first.Max(l => l.Epoch));
    }

    [Fact]
    public async Task LeaseAsync_AnotherGuardAsks_SharesAreEqualAndNobodyHasTheOthers()
    {
        await LeaseAsync("a");
        Assert.Empty(await LeaseAsync("b"));
        var kept = await LeaseAsync("a");
        var given = await LeaseAsync("b");

        Assert.Equal((UpkeepPartition.Count / 2, UpkeepPartition.Count / 2), (kept.Count, given.Count));
        Assert.Empty(kept.Select(l => l.Partition).Intersect(given.Select(l => l.Partition)));
        Assert.Equal(kept.ToHashSet(), (await LeaseAsync("a")).ToHashSet());
        Assert.Equal(given.ToHashSet(), (await LeaseAsync("b")).ToHashSet());

        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));
        await LeaseAsync("b");
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(UpkeepPartition.Count, (await LeaseAsync("b")).Count);
    }

    [Fact]
    public async Task LeaseAsync_Leaving_HoldsWhatNobodyElseWouldAndNothingElse()
    {
        await LeaseAsync("a");
        Assert.Equal(UpkeepPartition.Count, (await LeaseAsync("a", isLeaving: true)).Count);
        Assert.Empty(await LeaseAsync("b"));

        Assert.Empty(await LeaseAsync("a", isLeaving: true));
        Assert.Equal(UpkeepPartition.Count, (await LeaseAsync("b")).Count);
        Assert.Equal(UpkeepPartition.Count, (await LeaseAsync("b")).Count);
    }

    [Fact]
    public async Task ReleaseAsync_Holder_AnotherTakesAllAtOnce()
    {
        var first = await LeaseAsync("a");
        await Store.Upkeep.ReleaseAsync("b", Ct);
        Assert.Empty(await LeaseAsync("b"));
        await Store.Upkeep.ReleaseAsync("a", Ct);

        var second = await LeaseAsync("b");

        Assert.Equal(UpkeepPartition.Count, second.Count);
        Assert.True(second.Min(l => l.Epoch) > first.Min(l => l.Epoch));
    }

    [Fact]
    public async Task SweepAsync_LosesARunner_TellsTheRestAsItIsWithoutIt()
    {
        await PutPoolAsync();
        var runner = (await Store.Runners.RegisterAsync(NewRunner() with { Stream = new("a", "terms", TimeSpan.Zero) }, Ct))!.Runner;
        var stopping = await AddReadyAsync(CrashPolicy.Restart);
        await AddReadyAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner, most: 100);
        await Store.AdvanceAsync(LostAfter + TimeSpan.FromSeconds(1));

        var sweep = (await SweepAsync("a", LostAfter, epoch: 2))!;

        Assert.Equal(runner.RunnerId, Assert.Single(sweep.Lost).RunnerId);
        Assert.True(sweep.IsTaken);
        Assert.Empty(sweep.Draining);
        Assert.Empty(sweep.Streams);
        Assert.Equal([stopping.Id], sweep.DueRestarts);
    }

    [Fact]
    public async Task SweepAsync_GivesUpTheLastActorOfARunner_ItIsNotToldAsDraining()
    {
        var runner = await AddRunnerAsync(isStatic: true);
        var actor = await AddReadyAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner);
        await Store.AdvanceAsync(Grace + TimeSpan.FromSeconds(1));

        var sweep = (await SweepAsync("a"))!;

        Assert.Equal([actor.Id], sweep.TimedOut.Select(a => a.Id));
        Assert.Empty(sweep.Draining);
    }

    [Fact]
    public async Task SweepAsync_DrainsByVersionAndGivesUpAnActorThere_TheRunnerIsToldAsItBeganToDrain()
    {
        Config = new() { DrainOnVersionUpgrade = false };
        var old = await AddRunnerAsync(isStatic: true);
        await AddReadyAsync();
        await AddRunnerAsync(version: 2, isStatic: true);
        await Store.Runners.DrainAsync(old.RunnerId, Ct);
        await EvictAsync(old);
        await Store.AdvanceAsync(Grace + TimeSpan.FromSeconds(1));
        Config = new();
        await PutPoolAsync();

        var sweep = (await SweepAsync("a"))!;

        Assert.Single(sweep.TimedOut);
        Assert.Equal((old.RunnerId, 9), (Assert.Single(sweep.DrainedByVersion).RunnerId, sweep.DrainedByVersion[0].RemainingSlots));
    }

    [Fact]
    public async Task SweepAsync_LosesSeveral_TheLongestSilentFirst()
    {
        var newest = (await RegisterAsync(version: 2)).Runner;
        var older = (await RegisterAsync(version: 1)).Runner;
        await Store.AdvanceAsync(TimeSpan.FromSeconds(1));
        await Store.Runners.HeartbeatAsync(newest.RunnerId, Ct);
        await Store.AdvanceAsync(LostAfter + TimeSpan.FromSeconds(1));

        var lost = (await SweepAsync("a", LostAfter))!.Lost;

        Assert.Equal([older.RunnerId, newest.RunnerId], lost.Select(r => r.RunnerId));
    }

    [Fact]
    public async Task SweepAsync_UnknownPool_FindsNothing()
        => Assert.Empty((await Store.Upkeep.SweepAsync(new(new("none", "none"), new("a", 1), LostAfter), Ct))?.Lost ?? []);

    [Fact]
    public async Task SweepAsync_FirstUnderALease_IsTaken()
    {
        await PutPoolAsync();

        Assert.True((await SweepAsync("a"))!.IsTaken);
        Assert.False((await SweepAsync("a"))!.IsTaken);
        Assert.True((await SweepAsync("a", epoch: 2))!.IsTaken);
        Assert.True((await SweepAsync("b", epoch: 3))!.IsTaken);
    }

    [Fact]
    public async Task Fence_LowerEpoch_WritesNothing()
    {
        var runner = await AddRunnerAsync();
        var actor = await AddReadyAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        var buried = await AddRunnerAsync();
        await Store.Runners.DeleteAsync(buried.RunnerId, Ct);
        await SweepAsync("a");
        await SweepAsync("b", epoch: 2);
        await Store.AdvanceAsync(TimeSpan.FromMinutes(61));

        Assert.Null(await SweepAsync("a", LostAfter));
        var eviction = await EvictAsync(runner);
        await Store.Upkeep.PurgeAsync(Pool, new("a", 1), Ct);

        Assert.Equal((0, 0, false), (eviction.Stopping.Count, eviction.TimedOut.Count, eviction.HasMore));
        Assert.Equal(ActorState.Ready, (await GetAsync(actor)).State);
        Assert.Equal(0, (await GetAsync(runner)).StopTs);
        Assert.NotNull(await Store.Runners.GetAsync(buried.RunnerId, Ct));
        Assert.Equal(runner.RunnerId, Assert.Single((await SweepAsync("b", LostAfter, epoch: 2))!.Lost).RunnerId);
    }

    [Fact]
    public async Task GetSilencesAsync_ForEachPool_TheLongestOfThoseThatBeat()
    {
        var other = new PoolId("default", "other");
        await PutPoolAsync(other);
        Assert.Equal([null, null], await Store.Upkeep.GetSilencesAsync([Pool, other], Ct));
        await AddRunnerAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(7));
        var second = await AddRunnerAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(2));
        await Store.Runners.HeartbeatAsync(second.RunnerId, Ct);

        var silences = await Store.Upkeep.GetSilencesAsync([other, Pool], Ct);

        Assert.Null(silences[0]);
        Assert.InRange(silences[1]!.Value, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(10));
        Assert.InRange((await SweepAsync("a"))!.Silence!.Value, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task PurgeAsync_ManyTombstones_ABatchAtATimeUntilNoneIsLeft()
    {
        await AddRunnerAsync();
        for (var i = 0; i < 120; i++)
        {
            await Store.Actors.DestroyAsync((await AddActorAsync()).Id, Ct);
        }

        Assert.False(await Store.Upkeep.PurgeAsync(Pool, new("a", 1), Ct));
        await Store.AdvanceAsync(TimeSpan.FromMinutes(61));
        Assert.True((await SweepAsync("a"))!.HasTombstones);
        while (await Store.Upkeep.PurgeAsync(Pool, new("a", 1), Ct))
        {
        }

        Assert.Empty((await Store.Actors.ListAsync(new(Pool.Namespace, null, null, null, true, 1000, null), Ct)).Items);
    }

    [Fact]
    public async Task SweepAsync_WhatIsUnderWay_IsToldWithItsTime()
    {
        var runner = await AddRunnerAsync();
        var before = (await SweepAsync("a"))!;
        Assert.Equal((null, null, false), (before.StartingFor, before.NextDeadline, before.HasVersions));
        await AddReadyAsync();
        await AddStartingAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(5));
        await RegisterAsync(9);

        var after = (await SweepAsync("a"))!;

        Assert.InRange(after.StartingFor!.Value, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
        Assert.InRange(after.NextDeadline!.Value, Grace - TimeSpan.FromSeconds(6), Grace - TimeSpan.FromSeconds(5));
        Assert.True(after.HasVersions);
    }

    [Fact]
    public async Task DrainAsync_ARunner_TellsTheKeeperOnce()
    {
        var runner = await AddRunnerAsync();
        await Store.SettleAsync();
        Store.Feed.Clear();

        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);

        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Wanted(Pool));
    }

    [Fact]
    public async Task ListPoolsAsync_WithAndWithoutConfig_All()
    {
        await PutPoolAsync();
        await PutPoolAsync(new("other", "games"));
        await Store.Pools.DeleteAsync(Pool, Ct);

        Assert.Equal([Pool, new PoolId("other", "games")], (await Store.Upkeep.ListPoolsAsync(Ct)).OrderBy(p => p.Namespace, StringComparer.Ordinal));
    }

    [Fact]
    public async Task RegisterAsync_HigherVersion_DrainsAllOlderOnesAtOnce()
    {
        var v1 = (await RegisterAsync(1)).Runner;
        var v2 = await RegisterAsync(2);
        Assert.Equal([v1.RunnerId], v2.DrainedByVersion.Select(r => r.RunnerId));
        var again = await RegisterAsync(1, v1.Key);
        Assert.Empty(again.DrainedByVersion);
        Assert.NotEqual(0, again.Runner.DrainTs);

        var v4 = await RegisterAsync(4);

        Assert.Equal([v2.Runner.RunnerId], v4.DrainedByVersion.Select(r => r.RunnerId));
        Assert.Equal([true, true, false], await DrainingAsync(v1, v2.Runner, v4.Runner));
        Assert.True((await Store.Runners.HeartbeatAsync(v1.RunnerId, Ct))!.Value.Draining);
        var started = (await BeginAsync(await AddActorAsync())).Runner!;
        Assert.Equal(v4.Runner.RunnerId, started.RunnerId);
    }

    [Fact]
    public async Task RegisterAsync_LowerVersionLate_DrainsItselfAtOnce()
    {
        await RegisterAsync(3);

        var late = await RegisterAsync(2);

        Assert.NotEqual(0, late.Runner.DrainTs);
        Assert.Equal(late.Runner.RunnerId, Assert.Single(late.DrainedByVersion).RunnerId);
    }

    [Fact]
    public async Task RegisterAsync_NewVersionsRacing_OnlyTheHighestServes()
    {
        var old = (await RegisterAsync(1)).Runner;
        var registered = await RaceAsync(8, i => RegisterAsync(2 + (i % 4)));

        var all = registered.Select(r => r.Runner).Append(old).ToArray();
        Assert.Equal(all.Select(r => r.Version < 5), await DrainingAsync(all));

        // Whatever the order: each of the older ones is counted once.
        Assert.Equal(7, registered.Sum(r => r.DrainedByVersion.Count));
    }

    [Fact]
    public async Task RegisterAsync_PoolThatDoesNotDrain_NothingDrains()
    {
        await Store.Pools.PutAsync(Pool, new PoolConfig { DrainOnVersionUpgrade = false }, Ct);
        var v1 = (await Store.Runners.RegisterAsync(NewRunner(version: 1), Ct))!.Runner;

        Assert.Empty((await Store.Runners.RegisterAsync(NewRunner(version: 2), Ct))!.DrainedByVersion);
        Assert.Equal([false], await DrainingAsync(v1));
    }

    [Fact]
    public async Task PutAsync_DrainSwitchedOnAndOff_TheNextSweepApplies()
    {
        await Store.Pools.PutAsync(Pool, new PoolConfig { DrainOnVersionUpgrade = false }, Ct);
        var v1 = (await Store.Runners.RegisterAsync(NewRunner(version: 1), Ct))!.Runner;
        await Store.Runners.RegisterAsync(NewRunner(version: 2), Ct);

        await Store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        Assert.Equal(v1.RunnerId, Assert.Single((await SweepAsync("a"))!.DrainedByVersion).RunnerId);
        Assert.Empty((await SweepAsync("a"))!.DrainedByVersion);
        await Store.Pools.PutAsync(Pool, new PoolConfig { DrainOnVersionUpgrade = false }, Ct);
        await SweepAsync("a");

        Assert.Equal([false], await DrainingAsync(v1));
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("drain")]
    [InlineData("register lower")]
    public async Task Rollback_HigherVersionGoesAway_TheLowerServesAgainAtOnce(string how)
    {
        var v1 = (await RegisterAsync(1)).Runner;
        var v2 = (await RegisterAsync(2)).Runner;
        await Store.SettleAsync();
        Store.Feed.Clear();

        _ = how switch
        {
            "delete" => await Store.Runners.DeleteAsync(v2.RunnerId, Ct),
            "drain" => await Store.Runners.DrainAsync(v2.RunnerId, Ct),
            _ => await RegisterAsync(1, v2.Key) is null,
        };

        Assert.Equal([false], await DrainingAsync(v1));
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(await AddActorAsync(), null, v2.RunnerId)).Status);
        await Store.SettleAsync();
        Assert.NotEqual(0, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task SweepAsync_HigherVersionSilentThenBack_LowerServesMeanwhile()
    {
        var v1 = (await RegisterAsync(1)).Runner;
        var v2 = (await RegisterAsync(2)).Runner;
        await Store.AdvanceAsync(TimeSpan.FromSeconds(11));
        await Store.Runners.HeartbeatAsync(v1.RunnerId, Ct);
        await SweepAsync("a");
        Assert.Equal([false], await DrainingAsync(v1));

        await Store.Runners.HeartbeatAsync(v2.RunnerId, Ct);
        Assert.Equal(v1.RunnerId, Assert.Single((await SweepAsync("a"))!.DrainedByVersion).RunnerId);
    }

    [Fact]
    public async Task Rollback_DrainedByRequestToo_GoesOnDraining()
    {
        var v1 = (await RegisterAsync(1)).Runner;
        await Store.Runners.DrainAsync(v1.RunnerId, Ct);
        var v2 = (await RegisterAsync(2)).Runner;

        await Store.Runners.DeleteAsync(v2.RunnerId, Ct);

        Assert.Equal([true], await DrainingAsync(v1));
    }

    [Fact]
    public async Task SweepAsync_DrainingRunners_OnlyThoseWithActors()
    {
        var runner = await AddRunnerAsync();
        await AddReadyAsync();
        var empty = await AddRunnerAsync();
        await Store.Runners.DrainAsync(empty.RunnerId, Ct);
        Assert.Empty((await SweepAsync("a"))!.Draining);

        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        Assert.Equal(runner.RunnerId, Assert.Single((await SweepAsync("a"))!.Draining).RunnerId);
        await RegisterAsync(9);
        Assert.Equal(runner.RunnerId, Assert.Single((await SweepAsync("a"))!.Draining).RunnerId);
    }

    [Fact]
    public async Task EvictAsync_NotDrainingOrUnknown_Nothing()
    {
        var runner = await AddRunnerAsync();
        await AddReadyAsync();

        Assert.Empty((await EvictAsync(runner)).Stopping);
        Assert.Empty((await Store.Upkeep.EvictAsync(new(Pool, new("a", 1), "nobody", default, Grace, 1), Ct)).Stopping);
    }

    [Fact]
    public async Task EvictAsync_AfterTheDelay_SomeAtATimeAndTheSlotStaysTaken()
    {
        var runner = await AddRunnerAsync(slots: 5);
        for (var i = 0; i < 3; i++)
        {
            await AddReadyAsync();
        }

        var starting = await AddStartingAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        var delay = TimeSpan.FromSeconds(10);
        Assert.Empty((await EvictAsync(runner, 2, delay)).Stopping);
        await Store.AdvanceAsync(delay);

        var first = await EvictAsync(runner, 2, delay);
        Assert.Equal((2, true), (first.Stopping.Count, first.HasMore));
        Assert.All(first.Stopping, a => Assert.Equal((ActorState.Stopping, runner.RunnerId), (a.State, a.Runner!.RunnerId)));
        var second = await EvictAsync(runner, 2, delay);
        Assert.Equal((1, false), (second.Stopping.Count, second.HasMore));

        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        Assert.Equal(3, (await Store.Upkeep.ListStoppingAsync(Pool, Ct)).Count);
        Assert.Equal(StartGrantStatus.Stopping, (await BeginAsync(first.Stopping[0])).Status);

        // A start is let come to its end first.
        await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct);
        Assert.Equal(starting.Id, Assert.Single((await EvictAsync(runner, 2, delay)).Stopping).Id);
    }

    [Fact]
    public async Task CommitStoppedAsync_Stopping_SlotBackOnceAndRestartDueAtOnce()
    {
        var runner = await AddRunnerAsync(slots: 2);
        var sleep = await AddReadyAsync();
        var restart = await AddReadyAsync(CrashPolicy.Restart);
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner);

        foreach (var actor in new[] { sleep, restart })
        {
            Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitStoppedAsync(actor.Id, Pool, actor.Generation + 1, Ct));
            Assert.Equal(TransitionResult.Ok, await Store.Actors.CommitStoppedAsync(actor.Id, Pool, actor.Generation, Ct));
            Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitStoppedAsync(actor.Id, Pool, actor.Generation, Ct));
            Assert.Equal(RunnerEventResult.Stale, await TellAsync(actor, RunnerEventKind.Stopped));
        }

        Assert.Equal(2, (await GetAsync(runner)).RemainingSlots);
        Assert.Equal((ActorState.Sleeping, null, 0L), ((await GetAsync(sleep)).State, (await GetAsync(sleep)).Error, (await GetAsync(sleep)).RescheduleTs));
        var sweep = (await SweepAsync("a"))!;
        Assert.Equal((restart.Id, null), (Assert.Single(sweep.DueRestarts), sweep.NextRestart));
        Assert.Empty(sweep.Draining);
    }

    [Fact]
    public async Task EvictAsync_GracePassed_GivenUpByPolicy()
    {
        var runner = await AddRunnerAsync();
        var sleep = await AddReadyAsync();
        var restart = await AddReadyAsync(CrashPolicy.Restart);
        var destroy = await AddReadyAsync(CrashPolicy.Destroy);
        var starting = await AddStartingAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner, 1);
        await Store.AdvanceAsync(Grace);

        var eviction = await EvictAsync(runner);

        Assert.Equal((4, false), (eviction.TimedOut.Count, eviction.HasMore));
        Assert.All(eviction.TimedOut, a => Assert.Equal(runner.RunnerId, a.Runner!.RunnerId));
        var error = new ActorError(ActorErrorKind.RunnerDrainingTimeout, runner.RunnerId);
        Assert.Equal((ActorState.Crashed, error), ((await GetAsync(sleep)).State, (await GetAsync(sleep)).Error));
        Assert.Equal((ActorState.Crashed, error), ((await GetAsync(restart)).State, (await GetAsync(restart)).Error));
        Assert.Equal((ActorState.Destroyed, error), ((await GetAsync(destroy)).State, (await GetAsync(destroy)).Error));
        Assert.Equal((ActorState.Sleeping, null), ((await GetAsync(starting)).State, (await GetAsync(starting)).Error));
        Assert.Equal(10, (await GetAsync(runner)).RemainingSlots);
        Assert.Equal([restart.Id], (await SweepAsync("a"))!.DueRestarts);
    }

    [Fact]
    public async Task SweepAsync_StoppingOfADrainThatWasUndone_GivenUpAtItsDeadline()
    {
        await RegisterAsync(1);
        var actor = await AddReadyAsync();
        var v2 = (await RegisterAsync(2)).Runner;
        await EvictAsync(await GetAsync(v2) with { Address = actor.Runner! });
        await Store.Runners.DeleteAsync(v2.RunnerId, Ct);
        Assert.Empty((await SweepAsync("a"))!.TimedOut);
        await Store.AdvanceAsync(Grace + TimeSpan.FromSeconds(1));

        Assert.Equal(actor.Id, Assert.Single((await SweepAsync("a"))!.TimedOut).Id);
        Assert.Equal(ActorErrorKind.RunnerDrainingTimeout, (await GetAsync(actor)).Error!.Kind);
        Assert.Empty((await SweepAsync("a"))!.TimedOut);
    }

    [Fact]
    public async Task SweepAsync_Restarts_DueInTheirTimeAndNotTwiceOnceStarted()
    {
        await AddRunnerAsync();
        var actor = await AddReadyAsync(CrashPolicy.Restart);
        await TellAsync(actor, RunnerEventKind.Crashed, "boom");
        var crashed = await GetAsync(actor);
        Assert.InRange(crashed.RescheduleTs - Store.Now, 900, 2000);
        var before = (await SweepAsync("a"))!;
        Assert.Empty(before.DueRestarts);
        Assert.InRange(before.NextRestart!.Value.TotalMilliseconds, 1, 2000);

        await Store.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal([actor.Id], (await SweepAsync("a"))!.DueRestarts);
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(actor)).Status);

        var after = (await SweepAsync("a"))!;
        Assert.Empty(after.DueRestarts);
        Assert.Null(after.NextRestart);
    }

    [Fact]
    public async Task TryBeginStartAsync_RestartWithoutCapacity_PendingAndDueAgainLater()
    {
        var actor = await AddActorAsync(policy: CrashPolicy.Restart);
        var runner = await AddRunnerAsync();
        var started = (await BeginAsync(actor)).Actor!;
        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal([actor.Id], (await SweepAsync("a"))!.DueRestarts);

        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(started)).Status);

        var pending = await GetAsync(actor);
        Assert.Equal((ActorState.Pending, ActorErrorKind.NoCapacity), (pending.State, pending.Error!.Kind));
        Assert.Empty((await SweepAsync("a"))!.DueRestarts);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal([actor.Id], (await SweepAsync("a"))!.DueRestarts);
    }

    [Fact]
    public async Task Destroy_WithARestartDue_NotDueAnyMore()
    {
        await AddRunnerAsync();
        var actor = await AddReadyAsync(CrashPolicy.Restart);
        await TellAsync(actor, RunnerEventKind.Crashed);
        await Store.Actors.DestroyAsync(actor.Id, Ct);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(5));

        Assert.Empty((await SweepAsync("a"))!.DueRestarts);
    }

    [Fact]
    public async Task RunnerLost_Stopping_SlotsGoWithItAndNoError()
    {
        var runner = await AddRunnerAsync();
        var actor = await AddReadyAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);
        await EvictAsync(runner);

        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        Assert.Equal((ActorState.Sleeping, null), ((await GetAsync(actor)).State, (await GetAsync(actor)).Error));
        Assert.Empty(await Store.Upkeep.ListStoppingAsync(Pool, Ct));
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitStoppedAsync(actor.Id, Pool, actor.Generation, Ct));
    }
}
