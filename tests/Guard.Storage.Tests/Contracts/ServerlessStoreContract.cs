using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>Runners whose lives are streams, and what a pool wants of them.</summary>
public abstract class ServerlessStoreContract : StoreContract
{
    private static readonly TimeSpan Opened = TimeSpan.FromSeconds(2);

    private async Task<RunnerRecord> OpenAsync(int slots = 10, int version = 1, string? routingKey = null, bool leaving = false)
    {
        await PutPoolAsync();
        var runner = NewRunner(slots, version: version) with
        {
            Location = new RunnerLocation.Http("http://fn.test", RunnerProtocol.Http1, routingKey),
            Stream = new("guard-1", "terms-1", Opened, leaving),
        };
        return (await Store.Runners.RegisterAsync(runner, Ct))!.Runner;
    }

    private async Task<PoolSweep> SweepAsync(TimeSpan? lostAfter = null) => await Store.SweepAsync(Pool, lostAfter ?? TimeSpan.MaxValue, Ct);

    private async Task<StreamState[]> BeatAsync(bool leaving = false, params RunnerRecord[] runners)
        => [.. await Store.Runners.BeatAsync(Array.ConvertAll(runners, r => new StreamBeat(r.RunnerId, r.Pool, leaving)), Ct)];

    private async Task<StartGrant> WantAsync(ActorRecord actor, bool repeat = false)
        => await Store.Actors.TryBeginStartAsync(new(actor.Id, actor.Pool, "guard-1", [], IsRepeat: repeat), Ct);

    [Fact]
    public async Task RegisterAsync_Stream_KeptWithTheRunner()
    {
        var runner = await OpenAsync(routingKey: "key-7");

        var kept = await GetAsync(runner);
        Assert.Equal(("guard-1", "terms-1", Opened, false), (kept.Stream!.Owner, kept.Stream.Terms, kept.Stream.OpenedAgo, kept.Stream.IsLeaving));
        Assert.Equal("key-7", Assert.IsType<RunnerLocation.Http>(kept.Address.Location).RoutingKey);
        Assert.Null((await GetAsync(await AddRunnerAsync())).Stream);
    }

    [Fact]
    public async Task RegisterAsync_RoutingKey_ActorsAndTheirReadersHaveIt()
    {
        await OpenAsync(routingKey: "key-7");

        var ready = await AddReadyAsync();

        Assert.Equal("key-7", Assert.IsType<RunnerLocation.Http>(ready.Runner!.Location).RoutingKey);
        await TellAsync(ready, RunnerEventKind.Stopped);
        Assert.Null((await GetAsync(ready)).Runner);
    }

    [Fact]
    public async Task SweepAsync_Streams_AsTheyAre()
    {
        var (a, b) = (await OpenAsync(slots: 3), await OpenAsync(slots: 5, leaving: true));
        await AddRunnerAsync(slots: 1);
        for (var i = 0; i < 4; i++)
        {
            await AddReadyAsync();
        }

        await Store.Runners.DrainAsync(b.RunnerId, Ct);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(60));
        var streams = (await SweepAsync()).Streams.ToDictionary(s => s.RunnerId);

        Assert.Equal(2, streams.Count);
        Assert.Equal((3, false, false), (streams[a.RunnerId].TotalSlots, streams[a.RunnerId].IsDraining, streams[a.RunnerId].IsLeaving));
        Assert.Equal((5, true, true), (streams[b.RunnerId].TotalSlots, streams[b.RunnerId].IsDraining, streams[b.RunnerId].IsLeaving));
        Assert.InRange(streams[a.RunnerId].Age.TotalSeconds, 61.9, 70);
        Assert.Equal(("guard-1", "terms-1", 1), (streams[a.RunnerId].Owner, streams[a.RunnerId].Terms, streams[a.RunnerId].Version));
        foreach (var runner in new[] { a, b })
        {
            Assert.Equal((await GetAsync(runner)).TotalSlots - (await GetAsync(runner)).RemainingSlots, streams[runner.RunnerId].Actors);
        }

        Assert.True(streams.Values.Sum(s => s.Actors) >= 3);
        await Store.Runners.DeleteAsync(a.RunnerId, Ct);
        Assert.Equal([b.RunnerId], (await SweepAsync()).Streams.Select(s => s.RunnerId));
    }

    [Fact]
    public async Task SweepAsync_Config_TheOneInForceOrNone()
    {
        Config = Config with { Serverless = new() { Url = "http://fn.test", RequestLifespan = 60, SlotsPerRunner = 7 } };
        await PutPoolAsync();
        Assert.Equal(7, (await SweepAsync()).Config!.Serverless!.SlotsPerRunner);

        await Store.Pools.DeleteAsync(Pool, Ct);

        Assert.Null((await SweepAsync()).Config);
    }

    [Fact]
    public async Task TryBeginStartAsync_NoCapacity_PendingAndTheFeedTellsUnlessItIsARepeat()
    {
        var (a, b) = (await AddActorAsync(), await AddActorAsync());

        await WantAsync(a);
        await WantAsync(b);
        await WantAsync(b, repeat: true);
        await Store.SettleAsync();
        Assert.Equal(2, Store.Feed.Wanted(Pool));
        Assert.Equal(2, (await SweepAsync()).Pending);

        // A new wake of one that is pending already may be a probe: it is told.
        await WantAsync(a);
        await Store.SettleAsync();
        Assert.Equal(3, Store.Feed.Wanted(Pool));
        Assert.Equal(2, (await SweepAsync()).Pending);
    }

    [Fact]
    public async Task SweepAsync_PendingThatNobodyAsksFor_CountsForAWhileOnly()
    {
        var (a, b) = (await AddActorAsync(), await AddActorAsync());
        await WantAsync(a);
        await WantAsync(b);
        var pendingFor = IPoolUpkeepStore.PendingFor(Store.Options.Readiness.RepairInterval);

        await Store.AdvanceAsync(pendingFor - TimeSpan.FromSeconds(2));
        await WantAsync(b, repeat: true);
        Assert.Equal(2, (await SweepAsync()).Pending);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(1, (await SweepAsync()).Pending);
        Assert.Equal(ActorState.Pending, (await GetAsync(a)).State);
        await Store.AdvanceAsync(pendingFor);
        Assert.Equal(0, (await SweepAsync()).Pending);
        await WantAsync(a);
        Assert.Equal(1, (await SweepAsync()).Pending);
    }

    [Fact]
    public async Task RenewPendingAsync_SomePendingStill_CountAgainAndTheOthersAreTold()
    {
        var (a, b) = (await AddActorAsync(), await AddActorAsync());
        await WantAsync(a);
        await WantAsync(b);
        var (asleep, unknown, elsewhere) = (await AddActorAsync(), ActorId.New(1), new PoolId(Pool.Namespace, "elsewhere"));
        var pendingFor = IPoolUpkeepStore.PendingFor(Store.Options.Readiness.RepairInterval);
        await Store.AdvanceAsync(pendingFor - TimeSpan.FromSeconds(2));
        await Store.Actors.DestroyAsync(b.Id, Ct);

        var moved = await Store.Actors.RenewPendingAsync(Pool, [a.Id, b.Id, asleep.Id, unknown], Ct);
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(new HashSet<ActorId> { b.Id, asleep.Id, unknown }, moved);
        Assert.Equal(1, (await SweepAsync()).Pending);
        Assert.Equal(ActorState.Sleeping, (await GetAsync(asleep)).State);
        Assert.Equal([a.Id], await Store.Actors.RenewPendingAsync(elsewhere, [a.Id], Ct));
        Assert.Empty(await Store.Actors.RenewPendingAsync(Pool, [], Ct));
        await Store.AdvanceAsync(pendingFor);
        Assert.Equal(0, (await SweepAsync()).Pending);

        // Who was forgotten meanwhile counts again.
        Assert.Empty(await Store.Actors.RenewPendingAsync(Pool, [a.Id], Ct));
        Assert.Equal(1, (await SweepAsync()).Pending);
    }

    [Fact]
    public async Task RenewPendingAsync_AsManyAsOneCallTakes_AllCount()
    {
        var ids = new List<ActorId>();
        for (var i = 0; i < IActorStore.MostRenewed; i++)
        {
            var actor = await AddActorAsync();
            await WantAsync(actor);
            ids.Add(actor.Id);
        }

        Assert.Empty(await Store.Actors.RenewPendingAsync(Pool, ids, Ct));
        Assert.Equal(ids.Count, (await SweepAsync()).Pending);
    }

    [Fact]
    public async Task SweepAsync_PendingThatStartsOrIsDestroyed_CountsNoMore()
    {
        var (a, b, c) = (await AddActorAsync(), await AddActorAsync(), await AddActorAsync());
        foreach (var actor in new[] { a, b, c })
        {
            await WantAsync(actor);
        }

        await Store.Actors.DestroyAsync(a.Id, Ct);
        Assert.Equal(2, (await SweepAsync()).Pending);
        await OpenAsync();
        Assert.Equal(StartGrantStatus.Granted, (await WantAsync(b)).Status);

        Assert.Equal(1, (await SweepAsync()).Pending);
    }

    [Fact]
    public async Task TellConnectAsync_FailureAndSuccess_HeardAsTold()
    {
        await Store.Upkeep.TellConnectAsync(Pool, PoolErrorKind.Downgrade, TimeSpan.FromMilliseconds(1500), Ct);
        await Store.Upkeep.TellConnectAsync(Pool, null, TimeSpan.Zero, Ct);

        await Store.SettleAsync();
        Assert.Equal([(Pool, PoolErrorKind.Downgrade, TimeSpan.FromMilliseconds(1500)), (Pool, null, TimeSpan.Zero)], Store.Feed.Connects);
    }

    [Fact]
    public async Task BeatAsync_Heartbeats_KeepThemEligibleAndAlive()
    {
        var (a, b) = (await OpenAsync(), await OpenAsync());
        for (var i = 0; i < 4; i++)
        {
            await Store.AdvanceAsync(TimeSpan.FromSeconds(8));
            Assert.Equal([StreamState.Serving], await BeatAsync(false, a));
        }

        Assert.Equal([b.RunnerId], (await SweepAsync(TimeSpan.FromSeconds(15))).Lost.Select(r => r.RunnerId));
        Assert.Equal([StreamState.Serving, StreamState.Ended], await BeatAsync(false, a, b));
        Assert.Equal(a.RunnerId, (await WantAsync(await AddActorAsync())).Runner!.RunnerId);
    }

    [Fact]
    public async Task BeatAsync_SeveralPools_EachInItsPlace()
    {
        var a = await OpenAsync();
        var games = new PoolId("default", "games");
        await PutPoolAsync(games);
        var other = NewRunner(pool: games) with { Stream = new("guard-1", "t", TimeSpan.Zero) };
        var b = (await Store.Runners.RegisterAsync(other, Ct))!.Runner;
        await Store.Runners.DeleteAsync(b.RunnerId, Ct);
        var c = await OpenAsync();

        Assert.Equal([StreamState.Serving, StreamState.Ended, StreamState.Serving], await BeatAsync(false, a, b, c));
        Assert.Empty(await BeatAsync());
    }

    [Fact]
    public async Task BeatAsync_SilentForLong_TellsThatThePoolHasCapacityAgain()
    {
        var runner = await OpenAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(12));
        await Store.SettleAsync();
        Store.Feed.Clear();

        await BeatAsync(false, runner);

        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task BeatAsync_DrainsWithActors_StoppedOnlyWhenTheLastHasLeft()
    {
        var runner = await OpenAsync();
        var actor = await AddReadyAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);

        Assert.Equal([StreamState.Draining], await BeatAsync(false, runner));
        await TellAsync(actor, RunnerEventKind.Stopped);
        Assert.Equal([StreamState.Ended], await BeatAsync(false, runner));

        Assert.NotEqual(0, (await GetAsync(runner)).StopTs);
        Assert.Equal([StreamState.Ended], await BeatAsync(false, runner));
        Assert.Empty((await SweepAsync()).Streams);
        Assert.Equal(ActorState.Sleeping, (await GetAsync(actor)).State);
    }

    [Fact]
    public async Task BeatAsync_DrainedByVersionAndEmpty_Stopped()
    {
        var old = await OpenAsync(version: 1);
        var young = await OpenAsync(version: 2);

        Assert.Equal([StreamState.Ended, StreamState.Serving], await BeatAsync(false, old, young));
    }

    [Fact]
    public async Task BeatAsync_Leaving_SaidForGood()
    {
        var runner = await OpenAsync();
        await BeatAsync(true, runner);
        await BeatAsync(false, runner);

        Assert.True(Assert.Single((await SweepAsync()).Streams).IsLeaving);
        Assert.True((await GetAsync(runner)).Stream!.IsLeaving);
    }

    [Fact]
    public async Task BeatAsync_RunnerThatRegisteredItself_IsNobodysStream()
    {
        var runner = await AddRunnerAsync();
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);

        Assert.Equal([StreamState.Ended], await BeatAsync(false, runner));
        Assert.Equal(0, (await GetAsync(runner)).StopTs);
    }

    [Fact]
    public async Task BeatAsync_RacesWithStarts_NoActorIsOnAStoppedRunner()
    {
        for (var round = 0; round < 10; round++)
        {
            var runner = await OpenAsync(slots: 1);
            var actor = await AddActorAsync();
            var race = await RaceAsync<object>(3, async i => i switch
            {
                0 => await WantAsync(actor),
                1 => await Store.Runners.DrainAsync(runner.RunnerId, Ct),
                _ => (await BeatAsync(false, runner))[0],
            });
            var beat = (await BeatAsync(false, runner))[0];
            var holds = (await GetAsync(actor)).Runner is not null;

            Assert.Equal(holds ? StreamState.Draining : StreamState.Ended, beat);
            Assert.Equal(((StartGrant)race[0]).Status == StartGrantStatus.Granted, holds);
            await Store.Runners.DeleteAsync(runner.RunnerId, Ct);
        }
    }
}
