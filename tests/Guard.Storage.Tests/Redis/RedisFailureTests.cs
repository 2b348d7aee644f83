using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Redis;

/// <summary>What a Redis that answers, but not with what Guard wrote, looks like to those who use it.</summary>
public sealed class RedisFailureTests(RedisAssembly redis)
{
    private static readonly PoolId Pool = new("default", "lobbies");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("\"no_runners\"")]
    [InlineData("""{"runners_unreachable":{"reason":"refused","message":"no route"}}""")]
    public async Task Health_ErrorOfAKindThatOnlyNewerGuardsKnow_IsAnInternalError(string error)
    {
        await using var store = await NewStoreAsync();
        await store.PoolHealth.ReportErrorAsync(Pool, new(PoolErrorKind.Downgrade), Ct);
        await redis.Server.AskAsync("HSET", $"{store.Connection.Keys.Pool(Pool)}health", "le", error);

        var health = await store.PoolHealth.ReadAsync(Pool, Ct);

        Assert.True(health.IsRed);
        Assert.Equal(PoolErrorKind.InternalError, health.ActiveError?.Error.Kind);
        Assert.Equal(PoolErrorKind.InternalError, (await store.PoolHealth.TryGrantProbeAsync(Pool, TimeSpan.FromSeconds(5), Ct)).Health.ActiveError?.Error.Kind);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("7")]
    [InlineData("\"downgrade\" \"downgrade\"")]
    public async Task Health_ErrorThatIsNone_IsUnreadable(string error)
    {
        await using var store = await NewStoreAsync();
        await store.PoolHealth.ReportErrorAsync(Pool, new(PoolErrorKind.Downgrade), Ct);
        await redis.Server.AskAsync("HSET", $"{store.Connection.Keys.Pool(Pool)}health", "le", error);

        await FailsAsync(StoreFailure.Unreadable, () => store.PoolHealth.ReadAsync(Pool, Ct));
        await FailsAsync(StoreFailure.Unreadable, () => store.PoolHealth.TryGrantProbeAsync(Pool, TimeSpan.FromSeconds(5), Ct));
    }

    [Theory]
    [InlineData("n", null)]
    [InlineData("s", "77")]
    [InlineData("g", "many")]
    public async Task Actor_FieldGarbled_IsUnreadable(string field, string? value)
    {
        await using var store = await NewStoreAsync();
        var actor = await CreateAsync(store);
        var key = $"{store.Connection.Keys.Pool(Pool)}actor:{actor}";
        await redis.Server.AskAsync(value is null ? ["HDEL", key, field] : ["HSET", key, field, value]);

        await FailsAsync(StoreFailure.Unreadable, () => store.Actors.GetAsync(actor, Ct));
    }

    [Fact]
    public async Task Actor_IndexGarbled_IsUnreadableAndNotUnknown()
    {
        await using var store = await NewStoreAsync();
        var actor = await CreateAsync(store);
        await redis.Server.AskAsync("SET", store.Connection.Keys.ActorPool(actor).ToString(), "nonsense");

        await FailsAsync(StoreFailure.Unreadable, () => store.Actors.GetAsync(actor, Ct));
    }

    [Fact]
    public async Task Runner_WithoutEndpoint_IsUnreadable()
    {
        await using var store = await NewStoreAsync();
        var id = ActorId.New(1).ToString();
        await store.Runners.RegisterAsync(new(id, Pool, "key", 1, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1), 1), Ct);
        await redis.Server.AskAsync("HDEL", $"{store.Connection.Keys.Pool(Pool)}runner:{id}", "ep");

        await FailsAsync(StoreFailure.Unreadable, () => store.Runners.GetAsync(id, Ct));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    public async Task Pool_ConfigGarbled_IsUnreadable(string json)
    {
        await using var store = await NewStoreAsync();
        await redis.Server.AskAsync("HSET", store.AllPools.ConfigKey(Pool).ToString(), "json", json);

        await FailsAsync(StoreFailure.Unreadable, () => store.Pools.GetAsync(Pool, Ct));
    }

    [Fact]
    public async Task CommitReady_HealthCannotBeWritten_IsReadyAllTheSame()
    {
        await using var store = await NewStoreAsync();
        var actor = await CreateAsync(store);
        var id = ActorId.New(1).ToString();
        await store.Runners.RegisterAsync(new(id, Pool, "key", 1, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1), 1), Ct);
        var grant = await store.Actors.TryBeginStartAsync(new(actor, Pool, "guard-1", new HashSet<string>(), null, false), Ct);
        Assert.Equal(StartGrantStatus.Granted, grant.Status);
        await redis.Server.AskAsync("SET", $"{store.Connection.Keys.Pool(Pool)}health", "a string");

        Assert.Equal(TransitionResult.Ok, (await store.Actors.CommitReadyAsync(actor, Pool, grant.Actor!.Generation, Ct)).Result);

        Assert.Equal(ActorState.Ready, (await store.Actors.GetAsync(actor, Pool, Ct))!.State);
    }

    private static async Task FailsAsync<T>(StoreFailure kind, Func<ValueTask<T>> call)
        => Assert.Equal(kind, (await Assert.ThrowsAsync<StoreException>(async () => await call())).Kind);

    private static async Task<ActorId> CreateAsync(RedisStoreFixture store)
        => (await store.Actors.CreateAsync(new NewActor(ActorId.New(1), Pool, "lobby", "[\"a\"]", CrashPolicy.Sleep, null), Ct)).Actor!.Id;

    private async Task<RedisStoreFixture> NewStoreAsync()
    {
        var store = new RedisStoreFixture(redis.Server);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        return store;
    }
}
