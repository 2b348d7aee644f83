using System.Threading.Channels;
using Guard.Core.Options;
using Guard.Model.Pools;
using Guard.Storage.Redis;
using Guard.Storage.Tests.Contracts;

namespace Guard.Storage.Tests.Redis;

public sealed class RedisActorStoreTests(RedisAssembly redis) : ActorStoreContract
{
    private protected override int RandomSequences => 10;

    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

public sealed class RedisRunnerStoreTests(RedisAssembly redis) : RunnerStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

public sealed class RedisUpkeepStoreTests(RedisAssembly redis) : UpkeepStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

/// <summary>On a cluster: no script touches two slots.</summary>
public sealed class RedisClusterUpkeepStoreTests(RedisAssembly redis) : UpkeepStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster);
}

public sealed class RedisServerlessStoreTests(RedisAssembly redis) : ServerlessStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

/// <summary>On a cluster: no script touches two slots.</summary>
public sealed class RedisClusterServerlessStoreTests(RedisAssembly redis) : ServerlessStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster);
}

public sealed class RedisImportStoreTests(RedisAssembly redis) : ImportStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

/// <summary>On a cluster: no script touches two slots.</summary>
public sealed class RedisClusterImportStoreTests(RedisAssembly redis) : ImportStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster);
}

public sealed class RedisPoolStoreTests(RedisAssembly redis) : PoolStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Server);
}

/// <summary>On a cluster: no script touches two slots.</summary>
public sealed class RedisClusterActorStoreTests(RedisAssembly redis) : ActorStoreContract
{
    private protected override int RandomSequences => 2;

    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster);
}

/// <summary>On a cluster: no script touches two slots.</summary>
public sealed class RedisClusterRunnerStoreTests(RedisAssembly redis) : RunnerStoreContract
{
    private protected override StoreFixture NewStore() => new RedisStoreFixture(redis.Cluster);
}

public sealed class RedisPoolHealthStoreTests(RedisAssembly redis) : PoolHealthStoreContract, IAsyncDisposable
{
    private readonly List<RedisStoreFixture> _stores = [];

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }
    }

    private protected override StoreUnderTest Create(LiveOptions options)
    {
        var store = new RedisStoreFixture(redis.Server);
        _stores.Add(store);
        var changes = Channel.CreateUnbounded<PoolHealthSnapshot>();
        store.OnHealth = change => changes.Writer.TryWrite(change);
        store.Listening.Wait(TimeSpan.FromSeconds(10));
        return new(new RedisPoolHealthStore(store.Connection, options.StoreRules), changes.Reader);
    }

    private protected override async Task AdvanceAsync(TimeSpan time)
    {
        foreach (var store in _stores)
        {
            await store.AdvanceAsync(time);
        }
    }
}
