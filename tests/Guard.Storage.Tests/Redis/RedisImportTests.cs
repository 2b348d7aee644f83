using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Redis;

namespace Guard.Storage.Tests.Redis;

/// <summary>An import takes the steps of creating for a whole batch, and may die, or meet others, between any two.</summary>
public sealed class RedisImportTests(RedisAssembly redis)
{
    private const int Actors = 40;

    /// <summary>Per actor with a key: the pool of its id, the key's entry, the record.</summary>
    private const int KeysPerActor = 3;

    private static readonly PoolId Pool = new("default", "lobbies");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Import_ImporterDiedAfterSomeSteps_TheNextFinishesItsActors(int steps)
    {
        await using var store = await NewStoreAsync();
        var dead = Batch();
        await TakeStepsAsync(store, dead, steps);

        var outcomes = await ((IActorImportStore)store.Actors).ImportAsync(Batch(), Ct);

        Assert.All(outcomes, o => Assert.Equal(steps < 4 ? ImportStatus.Created : ImportStatus.Exists, o.Status));
        var listed = (await store.Actors.ListAsync(new("default", null, "lobby", null, false, 1000, null), Ct)).Items;
        Assert.Equal(Actors, listed.Count);
        foreach (var (actor, i) in dead.Select((d, i) => (d.Actor, i)))
        {
            var found = await store.Actors.FindAsync("default", "lobby", $"k{i}", Ct);
            Assert.Equal((steps == 0, 7L), (found!.Id != actor.Id, found.Generation));
        }

        Assert.Equal(Actors * KeysPerActor, await CountAsync(store));
        Assert.DoesNotContain("pending", await EntriesAsync(store), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_Racing_NothingIsLeftOver()
    {
        await using var a = await NewStoreAsync();
        await using var b = new RedisStoreFixture(redis.Server, a.Connection.Keys.Namespaces.ToString().Split(':')[0]);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => ((IActorImportStore)(i % 2 == 0 ? a : b).Actors).ImportAsync(Batch(), Ct).AsTask()));

        Assert.Equal(Actors, outcomes.Sum(o => o.Count(x => x.Status == ImportStatus.Created)));
        Assert.Equal(Actors * KeysPerActor, await CountAsync(a));
        Assert.DoesNotContain("pending", await EntriesAsync(a), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_KeyKeptForAnIdOfAnotherPool_IsGivenToTheNext()
    {
        await using var store = await NewStoreAsync();
        var games = new PoolId("default", "games");
        await store.Pools.PutAsync(games, new PoolConfig(), Ct);
        var taken = Keyed(0).Actor with { Pool = games, Key = null };
        Assert.Equal(CreateActorStatus.Created, (await store.Actors.CreateAsync(taken, Ct)).Status);
        var dead = new ImportedActor(Keyed(0).Actor with { Id = taken.Id }, true);
        await TakeStepsAsync(store, [dead], 1);

        Assert.Equal([new(ImportStatus.Conflict)], await ((IActorImportStore)store.Actors).ImportAsync([dead], Ct));
        Assert.Null(await store.Actors.FindAsync("default", "lobby", "k0", Ct));
        Assert.Equal([new(ImportStatus.Created)], await ((IActorImportStore)store.Actors).ImportAsync([Keyed(0)], Ct));
        Assert.Equal(Pool, (await store.Actors.FindAsync("default", "lobby", "k0", Ct))!.Pool);
    }

    [Fact]
    public async Task Import_AllThere_TwoRoundTrips()
    {
        await using var store = await NewStoreAsync();
        await ((IActorImportStore)store.Actors).ImportAsync(Batch(), Ct);
        var before = await CallsAsync(store);

        await ((IActorImportStore)store.Actors).ImportAsync(Batch(), Ct);

        // Whether the actors of the keys live is the second trip.
        var since = (await CallsAsync(store)).Except(before).Select(line => line.Split('"')[1]);
        Assert.Equal(["import_held", "import_look"], since.Order(StringComparer.Ordinal));
    }

    private static ImportedActor Keyed(int i)
        => new(new(ActorId.New(1), Pool, "lobby", $"k{i}", CrashPolicy.Sleep, null) { Generation = 7 }, false);

    private static ImportedActor[] Batch() => [.. Enumerable.Range(0, Actors).Select(Keyed)];

    private async Task<RedisStoreFixture> NewStoreAsync()
    {
        var store = new RedisStoreFixture(redis.Server);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        return store;
    }

    /// <summary>Of actors: their records, entries and pools.</summary>
    private async Task<int> CountAsync(RedisStoreFixture store)
    {
        var prefix = Prefix(store);
        var count = 0;
        foreach (var pattern in new[] { $"{prefix}:actor:*", $"{prefix}:key:*", $"{prefix}:{{*}}:actor:*" })
        {
            count += (await redis.Server.AskAsync("KEYS", pattern)).Split("\r\n").Count(line => line.StartsWith(prefix, StringComparison.Ordinal));
        }

        return count;
    }

    private Task<string> EntriesAsync(RedisStoreFixture store)
        => redis.Server.AskAsync(["MGET", .. Enumerable.Range(0, Actors).Select(i => $"{Prefix(store)}:key:default/lobby/k{i}")]);

    private static string Prefix(RedisStoreFixture store) => store.Connection.Keys.Namespaces.ToString().Split(':')[0];

    /// <summary>The counters of calls to Redis, one line per operation.</summary>
    private static async Task<string[]> CallsAsync(RedisStoreFixture store)
    {
        using var text = new MemoryStream();
        await store.Metrics.Registry.CollectAndExportAsTextAsync(text, Ct);
        return [.. System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .Where(line => line.StartsWith("guard_store_op_duration_seconds_count", StringComparison.Ordinal))];
    }

    /// <summary>What an import does for a batch, up to where it dies.</summary>
    private static async Task TakeStepsAsync(RedisStoreFixture store, ImportedActor[] batch, int steps)
    {
        var (connection, keys) = (store.Connection, store.Connection.Keys);
        var index = new RedisIndex(connection);
        Func<NewActor, Task>[] all =
        [
            a => connection.CallAsync("test", db => db.StringSetAsync(keys.ActorKey("default", "lobby", a.Key!), KeyEntry.Pending(a.Id, a.Pool).Text), Ct),
            a => index.SetPoolAsync(a.Id, a.Pool, Ct),
            a => connection.EvaluateAsync("index_add_many", [keys.Namespace("default")], [a.Id.ToString(), a.Name], Ct),
            a => connection.EvaluateAsync(
                "actors_import", [keys.Pool(a.Pool)], [a.Id.ToString(), a.Name, 0, 1, a.Key, 0, "", a.Generation, ""], Ct),
            a => connection.EvaluateAsync("key_settle", [keys.ActorKey("default", "lobby", a.Key!)], [a.Id.ToString(), a.Pool.ToString()], Ct),
        ];
        foreach (var step in all.Take(steps))
        {
            await Task.WhenAll(batch.Select(b => step(b.Actor)));
        }
    }
}
