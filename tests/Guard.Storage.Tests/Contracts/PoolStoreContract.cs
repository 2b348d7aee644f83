using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>What every <see cref="IPoolStore"/> does.</summary>
public abstract class PoolStoreContract : StoreContract
{
    private static PoolConfig Serverless(string url = "http://x/", params (string Name, string Value)[] headers) => new()
    {
        Serverless = new() { Url = url, RequestLifespan = 900, Headers = headers.ToDictionary(h => h.Name, h => h.Value) },
    };

    [Fact]
    public async Task GetAsync_Unknown_Null()
    {
        Assert.Null(await Store.Pools.GetAsync(Pool, Ct));
        Assert.False(await Store.Pools.NamespaceExistsAsync("default", Ct));
    }

    [Fact]
    public async Task PutAsync_Everything_IsReadBack()
    {
        var config = Serverless("https://x/y", ("a", "b")) with
        {
            DrainOnVersionUpgrade = false,
            DrainGracePeriod = 60,
            ActorEvictionDelay = 5,
            ActorEvictionRate = 10,
            Guard = new() { CheckDelayMs = 1, PollIntervalMs = 2, CacheTtlMs = 3, ReadyTimeoutMs = 4, InitTimeoutMs = 5 },
        };

        Assert.True(await Store.Pools.PutAsync(Pool, config, Ct));

        var read = (await Store.Pools.GetAsync(Pool, Ct))!;
        Assert.Equal(config.Serverless!.Headers, read.Serverless!.Headers);
        Assert.Equal(config, read with { Serverless = config.Serverless });
        Assert.Equal(config.Serverless, read.Serverless with { Headers = config.Serverless.Headers });
        Assert.True(await Store.Pools.NamespaceExistsAsync("default", Ct));
        Assert.False(await Store.Pools.NamespaceExistsAsync("Default", Ct));
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Configs(Pool));
    }

    [Fact]
    public async Task PutAsync_Again_SaysWhetherTheEndpointChanged()
    {
        async Task<bool> PutAsync(PoolConfig config) => await Store.Pools.PutAsync(Pool, config, Ct);

        Assert.True(await PutAsync(new()));
        Assert.False(await PutAsync(new() { DrainGracePeriod = 5, Guard = new() { CheckDelayMs = 1 } }));
        Assert.True(await PutAsync(Serverless()));
        Assert.False(await PutAsync(Serverless() with { ActorEvictionRate = 1 }));
        Assert.True(await PutAsync(Serverless("http://y/")));
        Assert.True(await PutAsync(Serverless("http://y/", ("a", "1"), ("b", "2"))));
        Assert.False(await PutAsync(Serverless("http://y/", ("B", "2"), ("a", "1"))));
        Assert.True(await PutAsync(Serverless("http://y/", ("a", "1"), ("b", "3"))));
        Assert.True(await PutAsync(Serverless("http://y/", ("a", "1"))));
        Assert.True(await PutAsync(new()));
        Assert.True(await Store.Pools.DeleteAsync(Pool, Ct));
        Assert.True(await PutAsync(new()));
    }

    [Fact]
    public async Task AddAsync_WithAndWithoutAConfig_OnlyTheFirstIsWritten()
    {
        Assert.True(await Store.Pools.AddAsync(Pool, new() { DrainGracePeriod = 1 }, Ct));
        Assert.False(await Store.Pools.AddAsync(Pool, new() { DrainGracePeriod = 2 }, Ct));
        Assert.False(await Store.Pools.AddAsync(Pool, Serverless(), Ct));
        Assert.False(await Store.Pools.PutAsync(Pool, new() { DrainGracePeriod = 3 }, Ct));
        Assert.False(await Store.Pools.AddAsync(Pool, new() { DrainGracePeriod = 4 }, Ct));

        Assert.Equal(3, (await Store.Pools.GetAsync(Pool, Ct))!.DrainGracePeriod);
        Assert.True(await Store.Pools.NamespaceExistsAsync("default", Ct));
        Assert.Single((await Store.Pools.ListAsync(new("default", null, 10, null), Ct)).Items);
        await Store.SettleAsync();
        Assert.Equal(2, Store.Feed.Configs(Pool));
        Assert.True(await Store.Pools.DeleteAsync(Pool, Ct));
        Assert.True(await Store.Pools.AddAsync(Pool, new() { DrainGracePeriod = 5 }, Ct));
        Assert.Equal(5, (await Store.Pools.GetAsync(Pool, Ct))!.DrainGracePeriod);
    }

    [Fact]
    public async Task AddAsync_ManyAtOnce_OneIsWritten()
    {
        for (var round = 0; round < 20; round++)
        {
            var pool = new PoolId("default", $"p{round}");
            var added = await Task.WhenAll(Enumerable.Range(1, 16).Select(i => Task.Run(
                async () => await Store.Pools.AddAsync(pool, new() { DrainGracePeriod = i }, Ct) ? i : 0, Ct)));

            Assert.Equal((await Store.Pools.GetAsync(pool, Ct))!.DrainGracePeriod, Assert.Single(added, i => i > 0));
        }
    }

    [Fact]
    public async Task DeleteAsync_Config_NamespaceRunnersAndActorsStay()
    {
        var runner = await AddRunnerAsync();
        var ready = await AddReadyAsync();
        var sleeping = await AddActorAsync("k");
        await Store.SettleAsync();
        Store.Feed.Clear();

        Assert.True(await Store.Pools.DeleteAsync(Pool, Ct));
        Assert.False(await Store.Pools.DeleteAsync(Pool, Ct));

        Assert.False(await Store.Pools.DeleteAsync(new("default", "never"), Ct));
        Assert.Null(await Store.Pools.GetAsync(Pool, Ct));
        Assert.True(await Store.Pools.NamespaceExistsAsync("default", Ct));
        Assert.Empty((await Store.Pools.ListAsync(new("default", null, 10, null), Ct)).Items);
        Assert.Equal(ready.Revision, (await GetAsync(ready)).Revision);
        Assert.Equal(sleeping.Id, (await Store.Actors.FindAsync("default", "lobby", "k", Ct))!.Id);
        Assert.NotNull(await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct));
        Assert.Equal(StartGrantStatus.Granted, (await BeginAsync(sleeping)).Status);
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Configs(Pool));
    }

    [Fact]
    public async Task ListAsync_Pages_InOrderOfNames()
    {
        foreach (var name in new[] { "b", "a-b", "a", "ab", "c1" })
        {
            await PutPoolAsync(new("default", name));
        }

        await PutPoolAsync(new("other", "x"));
        var names = new List<string>();
        var cursor = (string?)null;
        do
        {
            var page = await Store.Pools.ListAsync(new("default", null, 2, cursor), Ct);
            Assert.All(page.Items, e => Assert.Equal("default", e.Pool.Namespace));
            names.AddRange(page.Items.Select(e => e.Pool.Name));
            cursor = page.Cursor;
        }
        while (cursor is not null);

        Assert.Equal(["a", "a-b", "ab", "b", "c1"], names);
    }

    [Fact]
    public async Task ListAsync_ByName_OnlyThat()
    {
        await PutPoolAsync(new("default", "a"));
        await PutPoolAsync(new("default", "ab"));

        Assert.Equal("a", Assert.Single((await Store.Pools.ListAsync(new("default", "a", 10, null), Ct)).Items).Pool.Name);
        Assert.Empty((await Store.Pools.ListAsync(new("default", "none", 10, null), Ct)).Items);
        Assert.Empty((await Store.Pools.ListAsync(new("nowhere", null, 10, null), Ct)).Items);
    }

    [Theory]
    [InlineData("")]
    [InlineData("p")]
    [InlineData("pA")]
    [InlineData("p-a")]
    [InlineData("pa b")]
    [InlineData("a0000000000000001")]
    public async Task ListAsync_BadCursorOrLimit_Throws(string cursor)
    {
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Pools.ListAsync(new("default", null, 10, cursor), Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Pools.ListAsync(new("default", null, 0, null), Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Pools.ListAsync(new("default", null, 1001, null), Ct));
    }
}
