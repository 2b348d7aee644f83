using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>What every <see cref="IActorStore"/> does: creating, finding and destroying.</summary>
public abstract partial class ActorStoreContract : StoreContract
{
    private static readonly PoolId Other = new("default", "games");

    [Fact]
    public async Task GetAsync_Unknown_Null() => Assert.Null(await Store.Actors.GetAsync(ActorId.New(1), Ct));

    [Fact]
    public async Task CreateAsync_New_SleepsInGenerationZero()
    {
        await PutPoolAsync();
        var id = ActorId.New(1);

        var result = await Store.Actors.CreateAsync(new(id, Pool, "lobby", "a/b", CrashPolicy.Restart, [1, 2]), Ct);

        Assert.Equal(CreateActorStatus.Created, result.Status);
        var actor = (await Store.Actors.GetAsync(id, Ct))!;
        Assert.Equal(result.Actor!.Revision, actor.Revision);
        Assert.Equal((id, Pool, "lobby", "a/b"), (actor.Id, actor.Pool, actor.Name, actor.Key));
        Assert.Equal((CrashPolicy.Restart, ActorState.Sleeping, 0L), (actor.CrashPolicy, actor.State, actor.Generation));
        Assert.Equal([1, 2], actor.Input!);
        Assert.InRange(actor.CreateTs, Store.Now - 5000, Store.Now);
        Assert.Equal((0, 0, 0, 0), (actor.StartTs, actor.SleepTs, actor.ConnectableTs, actor.DestroyTs));
        Assert.Null(actor.Runner);
        await Store.SettleAsync();
        Assert.True(Store.Feed.Saw(id, actor.Revision));
    }

    [Fact]
    public async Task CreateAsync_PoolWithoutRunnerConfig_NoPoolAndNothingCreated()
    {
        await PutPoolAsync(Other);
        var actor = NewActor("k");

        var result = await Store.Actors.CreateAsync(actor, Ct);

        Assert.Equal((CreateActorStatus.NoPool, null), (result.Status, result.Actor));
        Assert.Null(await Store.Actors.GetAsync(actor.Id, Ct));
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "k", Ct));
    }

    [Fact]
    public async Task CreateAsync_UnknownNamespace_NoPool()
        => Assert.Equal(CreateActorStatus.NoPool, (await Store.Actors.CreateAsync(NewActor(pool: new("nowhere", "p")), Ct)).Status);

    [Fact]
    public async Task CreateAsync_RunnerConfigDeleted_NoPool()
    {
        await PutPoolAsync();
        await Store.Pools.DeleteAsync(Pool, Ct);

        Assert.Equal(CreateActorStatus.NoPool, (await Store.Actors.CreateAsync(NewActor(), Ct)).Status);
    }

    [Fact]
    public async Task CreateAsync_KeyTaken_TheLiveActorWhateverItsPool()
    {
        var first = await AddActorAsync("k");
        await PutPoolAsync(Other);

        var again = await Store.Actors.CreateAsync(NewActor("k", pool: Other), Ct);
        var withoutPool = await Store.Actors.CreateAsync(NewActor("k", pool: new("default", "no-config")), Ct);

        Assert.Equal((CreateActorStatus.KeyTaken, first.Id), (again.Status, again.Actor!.Id));
        Assert.Equal(Pool, again.Actor.Pool);
        Assert.Equal((CreateActorStatus.KeyTaken, first.Id), (withoutPool.Status, withoutPool.Actor!.Id));
    }

    [Fact]
    public async Task CreateAsync_SameKeyOtherNameOrNamespace_Created()
    {
        await AddActorAsync("k");

        await AddActorAsync("k", name: "game");
        await AddActorAsync("k", pool: new("other", "lobbies"));
    }

    [Fact]
    public async Task CreateAsync_NoKey_AlwaysCreated()
    {
        var first = await AddActorAsync();
        var second = await AddActorAsync();

        Assert.NotEqual(first.Id, second.Id);
        Assert.Null(first.Key);
    }

    [Fact]
    public async Task CreateAsync_SameIdAgain_TheRecordThereIs()
    {
        var first = await AddActorAsync();

        var again = await Store.Actors.CreateAsync(NewActor(id: first.Id), Ct);
        await Store.Actors.DestroyAsync(first.Id, Ct);
        var afterwards = await Store.Actors.CreateAsync(NewActor("k", id: first.Id), Ct);

        Assert.Equal((CreateActorStatus.KeyTaken, first.Id), (again.Status, again.Actor!.Id));
        Assert.Equal((CreateActorStatus.KeyTaken, ActorState.Destroyed), (afterwards.Status, afterwards.Actor!.State));
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "k", Ct));
    }

    [Fact]
    public async Task CreateAsync_TwoHundredRacingForAKey_OneActor()
    {
        await PutPoolAsync();

        var results = await RaceAsync(200, _ => Store.Actors.CreateAsync(NewActor("k"), Ct).AsTask());

        Assert.Single(results, r => r.Status == CreateActorStatus.Created);
        Assert.Single(results.Select(r => r.Actor!.Id).Distinct());
        var page = await Store.Actors.ListAsync(new("default", null, "lobby", null, true, 1000, null), Ct);
        Assert.Single(page.Items);
    }

    [Fact]
    public async Task CreateAsync_RacingWithDestroyOfTheKey_NeverTwoLive()
    {
        await PutPoolAsync();
        var created = await RaceAsync(64, async i =>
        {
            var result = await Store.Actors.CreateAsync(NewActor("k"), Ct);
            if (i % 2 == 0)
            {
                await Store.Actors.DestroyAsync(result.Actor!.Id, Ct);
            }

            return result;
        });

        var page = await Store.Actors.ListAsync(new("default", null, "lobby", null, true, 1000, null), Ct);
        var live = page.Items.Where(a => a.State != ActorState.Destroyed).ToArray();
        Assert.InRange(live.Length, 0, 1);
        Assert.Equal(live.FirstOrDefault()?.Id, (await Store.Actors.FindAsync("default", "lobby", "k", Ct))?.Id);

        // Nothing is there that nobody was told of, and nothing was created twice. Not each one there was told as created: a shared store's
        // creator may be so late that others have found its actor, destroyed it and made the next; it is told of that one.
        Assert.Equal(page.Items.Select(a => a.Id).Order(), created.Select(c => c.Actor!.Id).Distinct().Order());
        Assert.Distinct(created.Where(c => c.Status == CreateActorStatus.Created).Select(c => c.Actor!.Id));
    }

    [Fact]
    public async Task FindAsync_ByKey_OnlyTheLiveActorOfThatNamespaceNameAndKey()
    {
        var actor = await AddActorAsync("k");

        Assert.Equal(actor.Id, (await Store.Actors.FindAsync("default", "lobby", "k", Ct))!.Id);
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "K", Ct));
        Assert.Null(await Store.Actors.FindAsync("default", "game", "k", Ct));
        Assert.Null(await Store.Actors.FindAsync("other", "lobby", "k", Ct));
    }

    [Fact]
    public async Task FindAsync_OddKeys_AreToldApart()
    {
        string[] keys = ["/", "", "a", "a/b", "a\\/b", "\\0", "ключ", "a|b", "a:b", "a b", "{a}", "live|x|y"];
        var actors = new List<ActorRecord>();
        foreach (var key in keys)
        {
            actors.Add(await AddActorAsync(key));
        }

        for (var i = 0; i < keys.Length; i++)
        {
            Assert.Equal(actors[i].Id, (await Store.Actors.FindAsync("default", "lobby", keys[i], Ct))!.Id);
        }
    }

    [Fact]
    public async Task DestroyAsync_Sleeping_TombstoneAndFreeKey()
    {
        var actor = await AddActorAsync("k");

        var before = await Store.Actors.DestroyAsync(actor.Id, Ct);

        Assert.Equal((actor.Id, ActorState.Sleeping), (before!.Id, before.State));
        var after = await GetAsync(actor);
        Assert.Equal(ActorState.Destroyed, after.State);
        Assert.InRange(after.DestroyTs, Store.Now - 5000, Store.Now);
        Assert.Equal(actor.Revision + 1, after.Revision);
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "k", Ct));
        await Store.SettleAsync();
        Assert.True(Store.Feed.Saw(actor.Id, after.Revision));
        var next = await AddActorAsync("k");
        Assert.NotEqual(actor.Id, next.Id);
        Assert.Equal(next.Id, (await Store.Actors.FindAsync("default", "lobby", "k", Ct))!.Id);
    }

    [Fact]
    public async Task DestroyAsync_Ready_TheRecordBeforeAndItsSlotFree()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var actor = await AddReadyAsync();
        await Store.SettleAsync();
        Store.Feed.Clear();

        var before = await Store.Actors.DestroyAsync(actor.Id, Ct);

        Assert.Equal((ActorState.Ready, runner.RunnerId), (before!.State, before.Runner!.RunnerId));
        Assert.Null((await GetAsync(actor)).Runner);
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task DestroyAsync_UnknownOrAgain_Null()
    {
        var actor = await AddActorAsync();
        await Store.Actors.DestroyAsync(actor.Id, Ct);

        Assert.Null(await Store.Actors.DestroyAsync(actor.Id, Ct));
        Assert.Null(await Store.Actors.DestroyAsync(ActorId.New(1), Ct));
    }

    [Fact]
    public async Task DestroyAsync_Racing_OneSeesItBefore()
    {
        await AddRunnerAsync();
        var actor = await AddReadyAsync();

        var results = await RaceAsync(50, _ => Store.Actors.DestroyAsync(actor.Id, Ct).AsTask());

        Assert.Single(results, r => r is not null);
    }

    [Fact]
    public async Task GetAsync_Destroyed_KeptForAnHour()
    {
        var actor = await AddActorAsync("k");
        await Store.Actors.DestroyAsync(actor.Id, Ct);

        await Store.AdvanceAsync(TimeSpan.FromMinutes(59));
        await Store.SweepLostAsync(TimeSpan.MaxValue, Ct);

        Assert.Equal(ActorState.Destroyed, (await GetAsync(actor)).State);
    }
}
