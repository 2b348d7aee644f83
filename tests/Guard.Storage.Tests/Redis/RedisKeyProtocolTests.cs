using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Redis;

namespace Guard.Storage.Tests.Redis;

/// <summary>A key and its actor stand in different slots: whoever makes or destroys one may die between any two steps.</summary>
public sealed class RedisKeyProtocolTests(RedisAssembly redis)
{
    private static readonly PoolId Pool = new("default", "lobbies");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(5, true)]
    public async Task Create_CreatorDiedAfterSomeSteps_OthersMakeOrFindOneActor(int steps, bool exists)
    {
        await using var store = await NewStoreAsync();
        var dead = NewActor(Pool);
        await TakeStepsAsync(store, dead, steps);

        Assert.Equal(exists ? dead.Id : null, (await FindAsync(store))?.Id);
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => store.Actors.CreateAsync(NewActor(Pool), Ct).AsTask()));

        var id = Assert.Single(results.Select(r => r.Actor!.Id).Distinct());
        Assert.Equal(exists ? 0 : 1, results.Count(r => r.Status == CreateActorStatus.Created));
        Assert.True(steps == 0 || id == dead.Id, "whoever meets a pending entry finishes it");
        Assert.Equal(id, (await FindAsync(store))!.Id);
        Assert.Equal(id, Assert.Single(await ListAsync(store)).Id);
        Assert.Equal(ActorState.Sleeping, (await store.Actors.GetAsync(id, Ct))!.State);
    }

    [Fact]
    public async Task Create_TwoHundredRacingOnTwoGuards_OneActor()
    {
        await using var a = await NewStoreAsync();
        await using var b = new RedisStoreFixture(redis.Server, a.Connection.Keys.Namespaces.ToString().Split(':')[0]);

        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? a : b).Actors.CreateAsync(NewActor(Pool), Ct).AsTask()));

        Assert.Single(results, r => r.Status == CreateActorStatus.Created);
        var id = Assert.Single(results.Select(r => r.Actor!.Id).Distinct());
        Assert.Equal(id, Assert.Single(await ListAsync(b)).Id);
    }

    [Fact]
    public async Task CreateAndDestroy_Racing_NeverTwoLiveAndTheKeyStaysUsable()
    {
        await using var a = await NewStoreAsync();
        await using var b = new RedisStoreFixture(redis.Server, a.Connection.Keys.Namespaces.ToString().Split(':')[0]);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            var store = worker % 2 == 0 ? a : b;
            for (var i = 0; i < 25; i++)
            {
                var made = await store.Actors.CreateAsync(NewActor(Pool), Ct);
                if (worker % 3 == 0)
                {
                    await store.Actors.DestroyAsync(made.Actor!.Id, Ct);
                }
            }
        }));

        var live = await ListAsync(a);
        Assert.InRange(live.Count, 0, 1);
        Assert.Equal(live.SingleOrDefault()?.Id, (await FindAsync(b))?.Id);
        var last = await b.Actors.CreateAsync(NewActor(Pool), Ct);
        Assert.Equal(live.Count == 1, last.Status == CreateActorStatus.KeyTaken);
    }

    [Fact]
    public async Task Create_EntryOfADestroyedActor_IsReplaced()
    {
        await using var store = await NewStoreAsync();
        var gone = (await store.Actors.CreateAsync(NewActor(Pool), Ct)).Actor!;
        await store.Connection.EvaluateAsync("actor_destroy", [store.Connection.Keys.Pool(Pool)], [gone.Id.ToString()], Ct);

        Assert.Null(await FindAsync(store));
        var anew = await store.Actors.CreateAsync(NewActor(Pool), Ct);

        Assert.Equal(CreateActorStatus.Created, anew.Status);
        Assert.NotEqual(gone.Id, anew.Actor!.Id);
        Assert.Equal(anew.Actor.Id, (await FindAsync(store))!.Id);
    }

    [Fact]
    public async Task Create_PendingInAPoolWithoutConfig_GoesToTheCallersPool()
    {
        await using var store = await NewStoreAsync();
        await TakeStepsAsync(store, NewActor(new("default", "gone")), 3);

        var made = await store.Actors.CreateAsync(NewActor(Pool), Ct);

        Assert.Equal((CreateActorStatus.Created, Pool), (made.Status, made.Actor!.Pool));
        Assert.Equal(made.Actor.Id, (await FindAsync(store))!.Id);
    }

    [Fact]
    public async Task Destroy_DiedBeforeTheKeyWasFreed_PurgeFreesIt()
    {
        await using var store = await NewStoreAsync();
        var gone = (await store.Actors.CreateAsync(NewActor(Pool), Ct)).Actor!;
        var keys = store.Connection.Keys;
        await store.Connection.EvaluateAsync("actor_destroy", [keys.Pool(Pool)], [gone.Id.ToString()], Ct);
        await store.AdvanceAsync(TimeSpan.FromMinutes(61));

        await store.PurgeAsync(Pool, Ct);

        Assert.Null(await store.Actors.GetAsync(gone.Id, Ct));
        var left = await redis.Server.AskAsync("EXISTS", $"{keys.ActorKey("default", "lobby", "k")}", $"{keys.ActorPool(gone.Id)}", $"{keys.Pool(Pool)}actor:{gone.Id}");
        Assert.Equal(":0\r\n", left);
        Assert.Empty(await ListAsync(store));
    }

    private async Task<RedisStoreFixture> NewStoreAsync()
    {
        var store = new RedisStoreFixture(redis.Server);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        return store;
    }

    private static NewActor NewActor(PoolId pool) => new(ActorId.New(1), pool, "lobby", "k", CrashPolicy.Sleep, null);

    private static async Task<ActorRecord?> FindAsync(RedisStoreFixture store) => await store.Actors.FindAsync("default", "lobby", "k", Ct);

    private static async Task<IReadOnlyList<ActorRecord>> ListAsync(RedisStoreFixture store)
        => (await store.Actors.ListAsync(new("default", null, "lobby", null, false, 100, null), Ct)).Items;

    /// <summary>What a creator does, up to where it dies.</summary>
    private static async Task TakeStepsAsync(RedisStoreFixture store, NewActor actor, int steps)
    {
        var (connection, keys, id) = (store.Connection, store.Connection.Keys, actor.Id.ToString());
        var index = new RedisIndex(connection);
        Func<Task>[] all =
        [
            () => connection.CallAsync("test", db => db.StringSetAsync(keys.ActorKey("default", "lobby", "k"), KeyEntry.Pending(actor.Id, actor.Pool).Text), Ct),
            () => index.SetPoolAsync(actor.Id, actor.Pool, Ct),
            () => index.AddAsync("default", id, Ct, RedisIndex.Actors, RedisIndex.Named("lobby")),
            () => connection.EvaluateAsync("actor_create", [keys.Pool(actor.Pool)], [id, "lobby", 0, 1, "k", 0, "", 0, ""], Ct),
            () => connection.EvaluateAsync("key_settle", [keys.ActorKey("default", "lobby", "k")], [id, actor.Pool.ToString()], Ct),
        ];
        foreach (var step in all.Take(steps))
        {
            await step();
        }
    }
}
