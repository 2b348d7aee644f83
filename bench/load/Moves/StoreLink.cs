using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Stores;
using Guard.Storage.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace Guard.Load.Moves;

/// <summary>Guard's own stores in this process, on a Redis: what a Guard would do, without its HTTP.</summary>
internal sealed class StoreLink : IAsyncDisposable
{
    private readonly RedisConnection _redis;

    private StoreLink(RedisConnection redis, RedisPools pools, LiveOptions options)
    {
        _redis = redis;
        Actors = new RedisActorStore(redis, pools, options.StoreRules);
        Runners = new RedisRunnerStore(redis, pools, options.StoreRules);
        Pools = new RedisPoolStore(redis, pools);
        Liveness = new RedisGuardLiveness(redis);
    }

    public RedisActorStore Actors { get; }

    public RedisRunnerStore Runners { get; }

    public RedisPoolStore Pools { get; }

    public RedisGuardLiveness Liveness { get; }

    public static StoreLink Open(ConfigurationOptions settings)
    {
        var options = new LiveOptions(new GuardOptions());
        var redis = new RedisConnection(
            settings, new RedisKeys("guard"), TimeSpan.FromSeconds(30), new StoreContact(), new GuardMetrics(options).StoreOp, TimeProvider.System, NullLogger<RedisConnection>.Instance);
        return new StoreLink(redis, new RedisPools(redis), options);
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();
}
