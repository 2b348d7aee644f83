using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Redis;
using Guard.TestSupport;

namespace Guard.Storage.Tests.Redis;

/// <summary>One connection and its feed while a real Redis fails under them.</summary>
public sealed class RedisConnectionTests
{
    private static readonly PoolId Pool = new("default", "lobbies");
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_KilledAndBack_ContactIsLostAndFoundAndTheFeedTellsAGap()
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var gaps = store.Gaps;

        await server.KillAsync();
        await UntilAsync(async () => await FailsAsync(store) && !store.Contact.IsUp, "lost");
        await server.StartAgainAsync();
        await UntilAsync(() => Task.FromResult(store.Contact.IsUp && store.Gaps > gaps), "found");

        Assert.False(await FailsAsync(store));
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        await UntilAsync(() => Task.FromResult(store.Feed.Configs(Pool) > 1), "heard");
    }

    [Fact]
    public async Task Redis_Frozen_CallsFailByTheirDeadlineThenAtOnce()
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        server.Freeze();

        var began = TimeProvider.System.GetTimestamp();
        var late = await Assert.ThrowsAsync<StoreException>(() => ReadAsync(store));

        // Its own deadline ended it: one of the client library's would be a RedisTimeoutException.
        Assert.IsType<TimeoutException>(late.InnerException);
        Assert.True(TimeProvider.System.GetElapsedTime(began).TotalSeconds > 0.3);
        await UntilAsync(async () => await FailsAsync(store) && !store.Contact.IsUp, "lost");

        for (var i = 0; i < 1000; i++)
        {
            // Without a cause: Redis was not even asked.
            Assert.Null((await Assert.ThrowsAsync<StoreException>(() => ReadAsync(store))).InnerException);
        }

        server.Thaw();
        await UntilAsync(() => Task.FromResult(store.Contact.IsUp), "found");
    }

    [Theory]
    [InlineData("SCRIPT", "FLUSH")]
    [InlineData("CLIENT", "KILL", "TYPE", "normal")]
    [InlineData("CLIENT", "KILL", "TYPE", "pubsub")]
    public async Task Redis_ForgetsScriptsOrConnections_CallsAndFeedGoOn(params string[] command)
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var heard = store.Feed.Configs(Pool);

        await server.AskAsync(command);

        await UntilAsync(async () => !await FailsAsync(store), "called");
        await UntilAsync(
            async () =>
            {
                if (!await FailsAsync(store))
                {
                    await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
                }

                return store.Feed.Configs(Pool) > heard;
            },
            "heard");
        Assert.True(store.Contact.IsUp);
    }

    [Fact]
    public async Task Call_RedisSaysNo_IsNoOutage()
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        await server.AskAsync("SET", $"{store.Connection.Keys.Pool(Pool)}health", "a string");

        var fault = await Assert.ThrowsAsync<StoreException>(async () => await store.PoolHealth.ReadAsync(Pool, Ct));

        Assert.Equal(StoreFailure.Rejected, fault.Kind);
        Assert.Contains("WRONGTYPE", fault.Message, StringComparison.Ordinal);
        Assert.True(store.Contact.IsUp);
        Assert.False(await FailsAsync(store));
    }

    [Theory]
    [InlineData("events", "nonsense")]
    [InlineData("events", "a|default/lobbies|not-an-id|1")]
    [InlineData("events", "")]
    [InlineData("health", "default/lobbies|x|1|0|0|0|0|")]
    [InlineData("health", "default/lobbies|1|1|0|0|0|0|{")]
    public async Task Feed_Garbage_IsAGap(string channel, string text)
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var gaps = store.Gaps;

        await server.AskAsync("PUBLISH", $"{store.Connection.Keys.Namespaces.ToString().Split(':')[0]}:{channel}", text);

        await UntilAsync(() => Task.FromResult(store.Gaps > gaps), "told");
    }

    [Fact]
    public async Task Health_RecordFlushed_IsUnknownThenAnotherEpoch()
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var before = await store.PoolHealth.ReportErrorAsync(Pool, new(PoolErrorKind.InternalError), Ct);
        await server.AskAsync("FLUSHALL");

        Assert.Equal(PoolHealthSnapshot.Unknown(Pool), await store.PoolHealth.ReadAsync(Pool, Ct));
        var after = await store.PoolHealth.ReportErrorAsync(Pool, new(PoolErrorKind.InternalError), Ct);

        Assert.True(before.IsRed && after.IsRed);
        Assert.NotEqual(before.Epoch, after.Epoch);
    }

    [Theory]
    [InlineData("q", "x")]
    [InlineData("ep", "")]
    [InlineData("lt", "yesterday")]
    public async Task Health_UnreadableField_IsUnknownAndReplacedByTheNextReport(string field, string value)
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var before = await store.PoolHealth.ReportErrorAsync(Pool, new(PoolErrorKind.InternalError), Ct);
        await server.AskAsync("HSET", $"{store.Connection.Keys.Pool(Pool)}health", field, value);

        Assert.False((await store.PoolHealth.ReadAsync(Pool, Ct)).IsRed);
        var after = await store.PoolHealth.ReportSuccessAsync(Pool, Ct);

        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal(1, after.Seq);
    }

    [Fact]
    public async Task Liveness_NotRenewed_VanishesByItself()
    {
        await using var server = await RedisServer.StartAsync();
        await using var store = await NewStoreAsync(server);
        var liveness = new RedisGuardLiveness(store.Connection);
        await liveness.RenewAsync("a", Ct);
        await liveness.RenewAsync("b", Ct);
        await liveness.EndAsync("b", Ct);

        Assert.True(await liveness.IsAliveAsync("a", Ct));
        Assert.False(await liveness.IsAliveAsync("b", Ct));
        var ttl = await server.AskAsync("PTTL", store.Connection.Keys.Alive("a").ToString());
        Assert.InRange(int.Parse(ttl[1..].TrimEnd(), System.Globalization.CultureInfo.InvariantCulture), 1, (int)IGuardLiveness.Ttl.TotalMilliseconds);
    }

    private static async Task<RedisStoreFixture> NewStoreAsync(RedisServer server)
    {
        var store = new RedisStoreFixture(server, deadline: TimeSpan.FromMilliseconds(500));
        await UntilAsync(async () => !await FailsAsync(store), "connected");
        await store.Listening.WaitAsync(Limit, Ct);
        await store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        return store;
    }

    private static async Task ReadAsync(RedisStoreFixture store) => await store.PoolHealth.ReadAsync(new("default", "other"), Ct);

    private static async Task<bool> FailsAsync(RedisStoreFixture store)
    {
        try
        {
            await ReadAsync(store);
            return false;
        }
        catch (StoreException)
        {
            return true;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Limit, $"never {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }
    }
}
