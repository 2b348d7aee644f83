using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Redis;
using Guard.Storage.Tests.Contracts;
using StackExchange.Redis;

namespace Guard.Storage.Tests.Redis;

/// <summary>Which store is for which Guard, and what builds from before the key find in it.</summary>
public sealed class RedisFormatTests(RedisAssembly redis)
{
    private static readonly PoolId Pool = new("default", "lobbies");

    private readonly string _prefix = $"t{Guid.NewGuid():N}";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Every kind of location, and the fields in which the build from before the key (fb4b1a2) keeps it: <c>ep pr im rk</c>.</summary>
    private static (RunnerLocation Location, string?[] Fields)[] Known =>
    [
        (new RunnerLocation.Http("http://10.0.0.1:80", RunnerProtocol.Http1), ["http://10.0.0.1:80", "0", null, null]),
        (new RunnerLocation.Http("http://10.0.0.1:80/base", RunnerProtocol.H2c), ["http://10.0.0.1:80/base", "1", null, null]),
        (new RunnerLocation.Http("https://fn.example", RunnerProtocol.Http1, "key 7"), ["https://fn.example", "0", null, "key 7"]),
        (new RunnerLocation.Implicit(new("http://127.0.0.1:3000", RunnerProtocol.Http1)), ["http://127.0.0.1:3000", "0", "1", null]),
        (new RunnerLocation.Implicit(new("http://127.0.0.1:3000", RunnerProtocol.H2c)), ["http://127.0.0.1:3000", "1", "1", null]),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task RegisterAsync_EachLocation_ReadAsGivenOnRunnerAndActor(int format)
    {
        await using var store = NewStore(format);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        foreach (var (location, _) in Known)
        {
            var (runner, actor) = await StartOnAsync(store, location);

            Assert.Equal(location, runner.Address.Location);
            Assert.Equal(runner.Address, (await store.Runners.GetAsync(runner.RunnerId, Ct))!.Address);
            Assert.Equal(runner.Address, (await store.Actors.GetAsync(actor, Ct))!.Runner);

            // Moved: the same key from elsewhere, and back.
            var elsewhere = new RunnerLocation.Http("http://10.9.9.9:1", RunnerProtocol.Http1, "moved");
            foreach (var next in new[] { elsewhere, location })
            {
                await store.Runners.RegisterAsync(New(runner.Key, next), Ct);
                Assert.Equal(next, (await store.Actors.GetAsync(actor, Ct))!.Runner!.Location);
            }
        }
    }

    [Fact]
    public async Task RegisterAsync_FormatOne_TheFieldsOfTheBuildBeforeAndNoOther()
    {
        await using var store = NewStore();
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        foreach (var (location, fields) in Known)
        {
            var (runner, actor) = await StartOnAsync(store, location);

            Assert.Equal(Lines(fields), await FieldsAsync(store, $"runner:{runner.RunnerId}", "ep", "pr", "im", "rk"));
            Assert.Equal(Lines(fields), await FieldsAsync(store, $"actor:{actor}", "re", "rp", "ri", "rk"));
            Assert.Equal(Lines([null]), await FieldsAsync(store, $"runner:{runner.RunnerId}", "at"));
            Assert.Equal(Lines([null]), await FieldsAsync(store, $"actor:{actor}", "at"));
        }
    }

    [Fact]
    public async Task GetAsync_FormatOne_WhatTheBuildBeforeWroteIsRead()
    {
        await using var store = NewStore();
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        var (runner, actor) = await StartOnAsync(store, new RunnerLocation.Http("http://old", RunnerProtocol.Http1));
        foreach (var (location, fields) in Known)
        {
            await WriteAsync(store, $"runner:{runner.RunnerId}", ["ep", "pr", "im", "rk"], fields);
            await WriteAsync(store, $"actor:{actor}", ["re", "rp", "ri", "rk"], fields);

            Assert.Equal(location, (await store.Runners.GetAsync(runner.RunnerId, Ct))!.Address.Location);
            Assert.Equal(location, (await store.Actors.GetAsync(actor, Ct))!.Runner!.Location);
        }
    }

    [Fact]
    public async Task RegisterAsync_FormatTwo_OneField()
    {
        await using var store = NewStore(2);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        foreach (var (location, _) in Known)
        {
            var (runner, actor) = await StartOnAsync(store, location);

            Assert.Equal(Lines([location.ToString(), null, null, null, null]), await FieldsAsync(store, $"runner:{runner.RunnerId}", "at", "ep", "pr", "im", "rk"));
            Assert.Equal(Lines([location.ToString(), null, null, null, null]), await FieldsAsync(store, $"actor:{actor}", "at", "re", "rp", "ri", "rk"));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Refusal_EmptyStore_NoneAndTheFormatStays(int format)
    {
        await using (var first = NewStore(format))
        {
            Assert.Null(await first.Connection.RefusalAsync(Ct));
            Assert.Equal(format.ToString(System.Globalization.CultureInfo.InvariantCulture), await FormatAsync());
        }

        await using var second = NewStore(format);
        Assert.Null(await second.Connection.RefusalAsync(Ct));
        await using var other = NewStore(3 - format);
        Assert.Contains($"has format {format}, and this Guard is set to format {3 - format}: ", await other.Connection.RefusalAsync(Ct), StringComparison.Ordinal);
        var e = await Assert.ThrowsAsync<StoreException>(async () => await other.Pools.PutAsync(Pool, new PoolConfig(), Ct));
        Assert.Contains("has format", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Refusal_LaterFormat_OneLineThatNamesTheWay(int format)
    {
        await SetFormatAsync("3");
        await using var store = NewStore(format);

        var refusal = await store.Connection.RefusalAsync(Ct);

        Assert.Contains("has format 3", refusal, StringComparison.Ordinal);
        Assert.Contains("this build does not know it", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal!);
        Assert.Equal("3", await FormatAsync());
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, "has format 1")]
    public async Task Refusal_StoreOfTheBuildBefore_OnlyForFormatTwoWhichLeavesItAlone(int format, string? refusal)
    {
        await using var any = NewStore();
        await any.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        await any.Connection.CallAsync("test", db => db.KeyDeleteAsync($"{_prefix}:format"), Ct);

        await using var store = NewStore(format);

        Assert.Contains(refusal ?? "", await store.Connection.RefusalAsync(Ct) ?? "", StringComparison.Ordinal);
        Assert.Equal(refusal is null, await store.Connection.RefusalAsync(Ct) is null);
        Assert.Equal(refusal is null ? "1" : null, await FormatAsync());
    }

    [Fact]
    public async Task Refusal_ClaimedAndUsedByTheBuildBefore_RefusedAsFormatOne()
    {
        // The claim of a Guard that died before it left its mark, and then the old build's set.
        await SetFormatAsync("2");
        await using (var raw = await ConnectAsync())
        {
            await raw.GetDatabase().SetAddAsync($"{_prefix}:namespaces", "default");
        }

        await using var store = NewStore(2);

        Assert.Contains("has format 1", await store.Connection.RefusalAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FormatTwo_BuildBefore_FindsATextThatSaysWhatToDo()
    {
        await using var store = NewStore(2);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        Assert.Equal(["default"], await store.Pools.ListNamespacesAsync(Ct));
        await using var raw = await ConnectAsync();

        // The first two things that build asks of a store.
        var read = await Assert.ThrowsAsync<RedisServerException>(() => raw.GetDatabase().SetMembersAsync($"{_prefix}:namespaces"));
        var add = await Assert.ThrowsAsync<RedisServerException>(() => raw.GetDatabase().SetAddAsync($"{_prefix}:namespaces", "other"));

        Assert.StartsWith("WRONGTYPE", read.Message, StringComparison.Ordinal);
        Assert.StartsWith("WRONGTYPE", add.Message, StringComparison.Ordinal);
        Assert.Contains("Guard:Store:Redis:Format", (string?)await raw.GetDatabase().StringGetAsync($"{_prefix}:namespaces"), StringComparison.Ordinal);
    }

    private RedisStoreFixture NewStore(int format = 1) => new(redis.Server, _prefix, format: format);

    private static NewRunner New(string key, RunnerLocation location) => new(ActorId.New(1).ToString(), Pool, key, 1, location, 1);

    private static async Task<(RunnerRecord Runner, ActorId Actor)> StartOnAsync(RedisStoreFixture store, RunnerLocation location)
    {
        var runner = (await store.Runners.RegisterAsync(New(Guid.NewGuid().ToString("N"), location), Ct))!.Runner;
        var actor = (await store.Actors.CreateAsync(new(ActorId.New(1), Pool, "lobby", null, default, null), Ct)).Actor!;
        var grant = await store.Actors.TryBeginStartAsync(new(actor.Id, Pool, "guard-1", new HashSet<string>()), Ct);
        Assert.Equal(runner.RunnerId, grant.Runner!.RunnerId);
        return (runner, actor.Id);
    }

    private static string Lines(string?[] values) => string.Join('\n', values.Select(v => v ?? "(none)"));

    private static async Task<string> FieldsAsync(RedisStoreFixture store, string key, params string[] fields)
    {
        var names = Array.ConvertAll(fields, f => (RedisValue)f);
        var values = await store.Connection.CallAsync("test", db => db.HashGetAsync(store.Connection.Keys.Pool(Pool).Append(key), names), Ct);
        return Lines(Array.ConvertAll(values, v => (string?)v));
    }

    private static async Task WriteAsync(RedisStoreFixture store, string key, string[] fields, string?[] values)
    {
        for (var i = 0; i < fields.Length; i++)
        {
            var (field, value) = (fields[i], values[i]);
            await store.Connection.CallAsync(
                "test",
                db => value is null
                    ? db.HashDeleteAsync(store.Connection.Keys.Pool(Pool).Append(key), field)
                    : db.HashSetAsync(store.Connection.Keys.Pool(Pool).Append(key), field, value),
                Ct);
        }
    }

    private async Task<ConnectionMultiplexer> ConnectAsync() => await ConnectionMultiplexer.ConnectAsync(redis.Server.Address);

    private async Task<string?> FormatAsync()
    {
        await using var raw = await ConnectAsync();
        return await raw.GetDatabase().StringGetAsync($"{_prefix}:format");
    }

    private async Task SetFormatAsync(string format)
    {
        await using var raw = await ConnectAsync();
        await raw.GetDatabase().StringSetAsync($"{_prefix}:format", format);
    }
}

/// <summary>All that actors and runners may rely on, in a store of format 2.</summary>
public sealed class RedisFormatTwoActorStoreTests(RedisAssembly redis) : ActorStoreContract
{
    private protected override int RandomSequences => 10;

    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server, format: FormatCheck.Newest);
}

public sealed class RedisFormatTwoRunnerStoreTests(RedisAssembly redis) : RunnerStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server, format: FormatCheck.Newest);
}

/// <summary>On a cluster: the keys of the format are in slots of their own.</summary>
public sealed class RedisFormatTwoServerlessStoreTests(RedisAssembly redis) : ServerlessStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster, format: FormatCheck.Newest);
}
