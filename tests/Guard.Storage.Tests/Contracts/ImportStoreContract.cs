using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

public abstract class ImportStoreContract : StoreContract
{
    private static ImportedActor Keyed(string key, ActorId? id = null, PoolId? pool = null) => new(NewActor(key, pool: pool, id: id), id is not null);

    private static ImportedActor Keyless(ActorId id, PoolId? pool = null) => new(NewActor(pool: pool, id: id), true);

    private async Task<ImportStatus[]> ImportAsync(params ImportedActor[] batch)
        => [.. (await Store.Import.ImportAsync(batch, Ct)).Select(o => o.Status)];

    [Fact]
    public async Task ImportAsync_New_CreatedFoundAndListed()
    {
        await PutPoolAsync();
        var id = ActorId.New(1);
        var input = new ImportedActor(new(ActorId.New(1), Pool, "room", "k/2", CrashPolicy.Restart, [1, 2]), false);

        Assert.Equal([ImportStatus.Created, ImportStatus.Created, ImportStatus.Created], await ImportAsync(Keyed("k1"), Keyless(id), input));

        Assert.Equal((ActorState.Sleeping, 0L, 1L), ((await Store.Actors.GetAsync(id, Ct))!.State, (await Store.Actors.GetAsync(id, Ct))!.Generation, (await Store.Actors.GetAsync(id, Ct))!.Revision));
        var found = (await Store.Actors.FindAsync("default", "room", "k/2", Ct))!;
        Assert.Equal((CrashPolicy.Restart, "k/2", Pool), (found.CrashPolicy, found.Key, found.Pool));
        Assert.Equal([1, 2], found.Input!);
        Assert.InRange(found.CreateTs, Store.Now - 5000, Store.Now);
        Assert.Equal(2, (await Store.Actors.ListAsync(new("default", null, "lobby", null, false, 10, null), Ct)).Items.Count);
        await AddRunnerAsync();
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(found)).Status);
    }

    [Fact]
    public async Task ImportAsync_Again_AllExistAndNothingChanges()
    {
        await PutPoolAsync();
        var batch = Enumerable.Range(0, 700).Select(i => i % 2 == 0 ? Keyed($"k{i}") : Keyless(ActorId.New(1))).ToArray();
        Assert.All(await ImportAsync(batch), s => Assert.Equal(ImportStatus.Created, s));

        // As a second file of the same actors has it: whoever has no id of its own gets another one.
        var again = batch.Select((b, i) => b.HasOwnId ? b : Keyed($"k{i}")).ToArray();
        Assert.All(await ImportAsync(again), s => Assert.Equal(ImportStatus.Exists, s));

        Assert.Equal(700, (await Store.Actors.ListAsync(new("default", null, "lobby", null, false, 1000, null), Ct)).Items.Count);
        Assert.Equal(batch[0].Actor.Id, (await Store.Actors.FindAsync("default", "lobby", "k0", Ct))!.Id);
    }

    [Fact]
    public async Task ImportAsync_KeyOrIdTaken_Conflict()
    {
        await PutPoolAsync();
        var games = new PoolId("default", "games");
        await PutPoolAsync(games);
        var holder = await AddActorAsync("k");
        var elsewhere = await AddActorAsync(pool: games);
        var destroyed = await AddActorAsync();
        await Store.Actors.DestroyAsync(destroyed.Id, Ct);

        var outcomes = await Store.Import.ImportAsync([Keyed("k", ActorId.New(1)), Keyed("k", holder.Id), Keyless(elsewhere.Id), Keyless(destroyed.Id)], Ct);

        Assert.Equal(
            [new(ImportStatus.Conflict, holder.Id), new(ImportStatus.Exists), new(ImportStatus.Conflict), new(ImportStatus.Conflict)], outcomes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ImportAsync_KeyOfAnActorThatDestroyedItself_Created(bool hasOwnId)
    {
        await AddRunnerAsync();
        var gone = await AddActorAsync("k");
        await TellAsync((await BeginAsync(gone)).Actor!, RunnerEventKind.Destroy);
        var next = new ImportedActor(NewActor("k"), hasOwnId);

        Assert.Equal([ImportStatus.Created, ImportStatus.Exists], await ImportAsync(next, Keyed("k")));

        Assert.Equal(next.Actor.Id, (await Store.Actors.FindAsync("default", "lobby", "k", Ct))!.Id);
        Assert.Equal(ActorState.Destroyed, (await GetAsync(gone)).State);
    }

    [Fact]
    public async Task ImportAsync_KeyOfALineBefore_ConflictsAlsoWhereThePoolHasNoRunnerConfig()
    {
        await PutPoolAsync();
        var first = Keyed("k");
        var none = new PoolId("default", "none");

        var outcomes = await Store.Import.ImportAsync([first, Keyed("k", ActorId.New(1), none), Keyed("k", pool: none), Keyed("l", pool: none)], Ct);

        Assert.Equal(
            [new(ImportStatus.Created), new(ImportStatus.Conflict, first.Actor.Id), new(ImportStatus.Exists), new(ImportStatus.NoPool)], outcomes);
    }

    [Fact]
    public async Task ImportAsync_IdOfAnActorOfTheSameKeyInAnotherNamespace_Conflict()
    {
        var elsewhere = new PoolId("other", "lobbies");
        await PutPoolAsync();
        var holder = await AddActorAsync("k", pool: elsewhere);

        Assert.Equal([ImportStatus.Conflict], await ImportAsync(Keyed("k", holder.Id)));
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "k", Ct));
    }

    [Fact]
    public async Task ImportAsync_IdOfAnActorOfAnotherNameOrKey_ConflictAndTheKeyStaysFree()
    {
        await PutPoolAsync();
        var keyed = await AddActorAsync("a");
        var keyless = await AddActorAsync();

        var outcomes = await Store.Import.ImportAsync(
            [Keyed("b", keyed.Id), Keyless(keyed.Id), Keyed("c", keyless.Id), new(NewActor(name: "other", id: keyless.Id), true)], Ct);

        Assert.All(outcomes, o => Assert.Equal(new(ImportStatus.Conflict), o));
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "b", Ct));
        Assert.Equal([ImportStatus.Created, ImportStatus.Created, ImportStatus.Exists], await ImportAsync(Keyed("b"), Keyed("c"), Keyed("a", keyed.Id)));
        Assert.NotEqual(keyed.Id, (await Store.Actors.FindAsync("default", "lobby", "b", Ct))!.Id);
        Assert.Equal("a", (await GetAsync(keyed)).Key);
    }

    [Fact]
    public async Task ImportAsync_GenerationAndCreateTs_AreKeptAndTheFirstStartHasTheNext()
    {
        await AddRunnerAsync();
        var id = ActorId.New(1);
        var moved = NewActor("k", id: id) with { Generation = 41, CreateTs = 1_600_000_000_000 };

        Assert.Equal([ImportStatus.Created], await ImportAsync(new ImportedActor(moved, true)));

        var actor = (await Store.Actors.GetAsync(id, Ct))!;
        Assert.Equal((ActorState.Sleeping, 41L, 1_600_000_000_000L), (actor.State, actor.Generation, actor.CreateTs));
        var grant = await BeginAsync(actor);
        Assert.Equal((StartGrantStatus.Granted, 42L), (grant.Status, grant.Actor!.Generation));
    }

    [Fact]
    public async Task ImportAsync_OneKeyForTwoIds_TheFirstHasIt()
    {
        await PutPoolAsync();
        var (first, second) = (ActorId.New(1), ActorId.New(1));

        Assert.Equal(
            [new(ImportStatus.Created), new(ImportStatus.Conflict, first)],
            await Store.Import.ImportAsync([Keyed("a", first), Keyed("a", second)], Ct));
        Assert.Null(await Store.Actors.GetAsync(second, Ct));
    }

    [Fact]
    public async Task ImportAsync_SeveralPoolsAndNamespaces_EachInItsOwn()
    {
        PoolId[] all = [Pool, new("default", "games"), new("other", "lobbies")];
        foreach (var pool in all)
        {
            await PutPoolAsync(pool);
        }

        var batch = Enumerable.Range(0, 900).Select(i => Keyed($"k{i}", pool: all[i % 3])).ToArray();
        Assert.All(await ImportAsync(batch), s => Assert.Equal(ImportStatus.Created, s));

        Assert.Equal(600, (await Store.Actors.ListAsync(new("default", null, "lobby", null, false, 1000, null), Ct)).Items.Count);
        Assert.Equal(300, (await Store.Actors.ListAsync(new("other", null, null, null, false, 1000, null), Ct)).Items.Count);
        Assert.Equal(all[1], (await Store.Actors.FindAsync("default", "lobby", "k1", Ct))!.Pool);
    }

    [Fact]
    public async Task ImportAsync_PoolWithoutConfig_ThatOneOnly()
    {
        await PutPoolAsync();

        Assert.Equal([ImportStatus.NoPool, ImportStatus.Created], await ImportAsync(Keyed("a", pool: new("default", "none")), Keyed("b")));
    }

    [Fact]
    public async Task ImportAsync_TwiceInOneBatch_CreatedOnce()
    {
        await PutPoolAsync();
        var id = ActorId.New(1);

        Assert.Equal([ImportStatus.Created, ImportStatus.Exists], await ImportAsync(Keyed("a"), Keyed("a")));
        Assert.Equal([ImportStatus.Created, ImportStatus.Exists], await ImportAsync(Keyless(id), Keyless(id)));
    }

    [Fact]
    public async Task ImportAsync_RacingImportsAndCreates_EachCreatedOnce()
    {
        await PutPoolAsync();
        var ids = Enumerable.Range(0, 60).Select(_ => ActorId.New(1)).ToArray();
        var created = await RaceAsync(8, async i => i == 0
            ? await CreateOneByOneAsync()
            : (await ImportAsync([.. ids.Select((id, k) => k % 2 == 0 ? Keyless(id) : Keyed($"k{k}"))])).Count(s => s == ImportStatus.Created));

        Assert.Equal(60, created.Sum());
        Assert.Equal(60, (await Store.Actors.ListAsync(new("default", null, "lobby", null, false, 1000, null), Ct)).Items.Count);

        async Task<int> CreateOneByOneAsync()
        {
            var made = 0;
            for (var k = 59; k >= 0; k -= 2)
            {
                made += (await Store.Actors.CreateAsync(NewActor($"k{k}"), Ct)).Status == CreateActorStatus.Created ? 1 : 0;
            }

            return made;
        }
    }
}
