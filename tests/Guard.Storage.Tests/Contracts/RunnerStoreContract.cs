using Guard.Model.Actors;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>What every <see cref="IRunnerStore"/> does: registration, heartbeats, drain.</summary>
public abstract partial class RunnerStoreContract : StoreContract
{
    [Fact]
    public async Task RegisterAsync_NoRunnerConfig_Null()
    {
        Assert.Null(await Store.Runners.RegisterAsync(NewRunner(), Ct));
        await PutPoolAsync();
        await Store.Pools.DeleteAsync(Pool, Ct);
        Assert.Null(await Store.Runners.RegisterAsync(NewRunner(), Ct));
    }

    [Fact]
    public async Task RegisterAsync_New_RecordAndCapacity()
    {
        await PutPoolAsync();
        var runner = new NewRunner("r-1", Pool, "k", 7, new RunnerLocation.Http("http://10.0.0.1:80", RunnerProtocol.H2c), 5);

        var record = (await Store.Runners.RegisterAsync(runner, Ct))!.Runner;

        Assert.Equal(new RunnerAddress("r-1", runner.Location), record.Address);
        Assert.Equal((Pool, "k", 7, 5, 5, false), (record.Pool, record.Key, record.Version, record.TotalSlots, record.RemainingSlots, record.IsStatic));
        Assert.InRange(record.CreateTs, Store.Now - 5000, Store.Now);
        Assert.InRange(record.LastPingTs, Store.Now - 5000, Store.Now);
        Assert.Equal((0, 0), (record.DrainTs, record.StopTs));
        Assert.Equal(record, await Store.Runners.GetAsync("r-1", Ct));
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task RegisterAsync_SameKey_RenewsTheRunner()
    {
        var first = await AddRunnerAsync(slots: 5, key: "k", version: 1);
        var actor = await AddReadyAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(2));
        await Store.SettleAsync();
        Store.Feed.Clear();
        var again = new NewRunner("another-id", Pool, "k", 2, new RunnerLocation.Http("https://10.0.0.2:443", RunnerProtocol.Http1), 8);

        var renewed = (await Store.Runners.RegisterAsync(again, Ct))!.Runner;

        Assert.Equal((first.RunnerId, "https://10.0.0.2:443", 2), (renewed.RunnerId, renewed.Address.Location.Endpoint, renewed.Version));
        Assert.Equal((8, 7, first.CreateTs), (renewed.TotalSlots, renewed.RemainingSlots, renewed.CreateTs));
        Assert.True(renewed.LastPingTs > first.LastPingTs);
        Assert.Null(await Store.Runners.GetAsync("another-id", Ct));
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));

        // Its actors are where it is now.
        var moved = await GetAsync(actor);
        Assert.Equal((ActorState.Ready, actor.Generation, renewed.Address), (moved.State, moved.Generation, moved.Runner));
        Assert.True(moved.Revision > actor.Revision);
        Assert.True(Store.Feed.Saw(actor.Id, moved.Revision));
    }

    [Fact]
    public async Task RegisterAsync_SameKeySameAddress_ItsActorsDoNotChange()
    {
        await PutPoolAsync();
        var runner = NewRunner(slots: 3, key: "k");
        await Store.Runners.RegisterAsync(runner, Ct);
        var actor = await AddReadyAsync();

        await Store.Runners.RegisterAsync(runner with { RunnerId = "x" }, Ct);

        Assert.Equal(actor.Revision, (await GetAsync(actor)).Revision);
    }

    [Fact]
    public async Task RegisterAsync_FewerSlotsThanInUse_NoneLeftUntilEnoughAreFree()
    {
        var runner = await AddRunnerAsync(slots: 3, key: "k");
        var actors = new[] { await AddReadyAsync(), await AddReadyAsync(), await AddReadyAsync() };

        var renewed = (await Store.Runners.RegisterAsync(NewRunner(slots: 2, key: "k"), Ct))!.Runner;
        Assert.Equal((2, 0), (renewed.TotalSlots, renewed.RemainingSlots));
        Assert.Equal(ActorState.Ready, (await GetAsync(actors[0])).State);

        await TellAsync(actors[0], RunnerEventKind.Stopped);
        Assert.Equal(0, (await GetAsync(runner)).RemainingSlots);
        await TellAsync(actors[1], RunnerEventKind.Stopped);
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
    }

    [Fact]
    public async Task RegisterAsync_SameKeyInAnotherPool_AnotherRunner()
    {
        var here = await AddRunnerAsync(key: "k");
        var there = await AddRunnerAsync(key: "k", pool: new("default", "games"));

        Assert.NotEqual(here.RunnerId, there.RunnerId);
    }

    [Fact]
    public async Task RegisterAsync_Racing_OneRunner()
    {
        await PutPoolAsync();

        var records = await RaceAsync(50, _ => Store.Runners.RegisterAsync(NewRunner(key: "k"), Ct).AsTask());

        Assert.Single(records.Select(r => r!.Runner.RunnerId).Distinct());
        Assert.Single((await Store.Runners.ListAsync(new("default", null, true, 1000, null), Ct)).Items);
    }

    [Fact]
    public async Task RegisterAsync_Draining_StaysDraining()
    {
        var runner = await AddRunnerAsync(key: "k");
        await Store.Runners.DrainAsync(runner.RunnerId, Ct);

        Assert.NotEqual(0, (await Store.Runners.RegisterAsync(NewRunner(key: "k"), Ct))!.Runner.DrainTs);
    }

    [Fact]
    public async Task RegisterAsync_Static_StaysStatic()
    {
        await AddRunnerAsync(key: "k", isStatic: true);

        Assert.True((await Store.Runners.RegisterAsync(NewRunner(key: "k"), Ct))!.Runner.IsStatic);
    }

    [Fact]
    public async Task RegisterAsync_AfterDeletion_NewRunner()
    {
        var first = await AddRunnerAsync(key: "k");
        await Store.Runners.DeleteAsync(first.RunnerId, Ct);

        var second = await AddRunnerAsync(key: "k");

        Assert.NotEqual(first.RunnerId, second.RunnerId);
        Assert.NotEqual(0, (await GetAsync(first)).StopTs);
        Assert.Null(await Store.Runners.HeartbeatAsync(first.RunnerId, Ct));
        Assert.NotNull(await Store.Runners.HeartbeatAsync(second.RunnerId, Ct));
    }

    [Fact]
    public async Task HeartbeatAsync_Unknown_Null() => Assert.Null(await Store.Runners.HeartbeatAsync("nobody", Ct));

    [Fact]
    public async Task HeartbeatAsync_Live_MovesLastPing()
    {
        var runner = await AddRunnerAsync();
        await Store.AdvanceAsync(TimeSpan.FromSeconds(3));
        await Store.SettleAsync();
        Store.Feed.Clear();

        Assert.Equal(new HeartbeatResult(false, runner.ActorsVersion), await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct));

        Assert.True((await GetAsync(runner)).LastPingTs >= runner.LastPingTs + 3000);
        await Store.SettleAsync();
        Assert.Equal(0, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task HeartbeatAsync_AfterASilence_TellsCapacity()
    {
        var runner = await AddRunnerAsync();
        await Store.AdvanceAsync(Store.Options.Runners.EligibleAfter);
        await Store.SettleAsync();
        Store.Feed.Clear();

        await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct);

        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task HeartbeatAsync_ActorsChanged_VersionRises()
    {
        var runner = await AddRunnerAsync();
        var seen = new List<long> { (await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct))!.Value.ActorsVersion };
        async Task SeeAsync()
        {
            var heartbeat = (await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct))!.Value.ActorsVersion;
            Assert.Equal(heartbeat, (await Store.Runners.GetActorsAsync(runner.RunnerId, Ct))!.ActorsVersion);
            seen.Add(heartbeat);
        }

        var starting = await AddStartingAsync();
        await SeeAsync();
        await Store.Actors.CommitReadyAsync(starting.Id, Pool, 1, Ct);
        await SeeAsync();
        await TellAsync(starting, RunnerEventKind.Stopped);
        await SeeAsync();
        await BeginAsync(starting);
        await SeeAsync();
        await Store.Actors.DestroyAsync(starting.Id, Ct);
        await SeeAsync();

        // Ready owns the same generation as starting did.
        Assert.Equal([true, false, true, true, true], seen.Zip(seen.Skip(1), (a, b) => b > a));
    }

    [Fact]
    public async Task GetActorsAsync_StartingAndReady_WithTheirGenerations()
    {
        var runner = await AddRunnerAsync();
        var starting = await AddStartingAsync();
        var ready = await AddReadyAsync();
        var stopped = await AddReadyAsync();
        await TellAsync(stopped, RunnerEventKind.Stopped);

        var actors = (await Store.Runners.GetActorsAsync(runner.RunnerId, Ct))!.Actors;

        Assert.Equal(
            new[] { new RunnerActor(starting.Id, 1), new RunnerActor(ready.Id, 1) }.ToHashSet(),
            actors.ToHashSet());
        Assert.Null(await Store.Runners.GetActorsAsync("nobody", Ct));
    }

    [Fact]
    public async Task DrainAsync_Live_NoNewActorsWhileThoseThereGoOn()
    {
        var runner = await AddRunnerAsync();
        var ready = await AddReadyAsync();

        Assert.True(await Store.Runners.DrainAsync(runner.RunnerId, Ct));
        var since = (await GetAsync(runner)).DrainTs;
        await Store.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.True(await Store.Runners.DrainAsync(runner.RunnerId, Ct));

        Assert.InRange(since, Store.Now - 6000, Store.Now);
        Assert.Equal(since, (await GetAsync(runner)).DrainTs);
        Assert.True((await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct))!.Value.Draining);
        Assert.Equal(ready.Revision, (await GetAsync(ready)).Revision);
        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(await AddActorAsync())).Status);
    }

    [Fact]
    public async Task DrainAsync_UnknownOrStopped_False()
    {
        var runner = await AddRunnerAsync();
        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        Assert.False(await Store.Runners.DrainAsync(runner.RunnerId, Ct));
        Assert.False(await Store.Runners.DrainAsync("nobody", Ct));
    }
}
