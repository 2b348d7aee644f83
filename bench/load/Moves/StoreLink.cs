using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Storage;
using Guard.Core.Storage.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Load.Moves;

/// <summary>Guard's own stores in this process, on the Redis of a run: what a second Guard would do, without its HTTP.</summary>
internal sealed class StoreLink : IAsyncDisposable
{
    private readonly RedisConnection _redis;

    private StoreLink(RedisConnection redis, RedisPools pools, LiveOptions options)
    {
        _redis = redis;
        Actors = new RedisActorStore(redis, pools, new RedisPoolHealthStore(redis, options), options);
        Runners = new RedisRunnerStore(redis, pools, options);
        Liveness = new RedisGuardLiveness(redis);
    }

    public RedisActorStore Actors { get; }

    public RedisRunnerStore Runners { get; }

    public RedisGuardLiveness Liveness { get; }

    public static StoreLink Open(string address)
    {
        if (!RedisSettings.TryParse(address, out var settings))
        {
            throw new LoadException($"'{address}' is no Redis configuration");
        }

        var options = new LiveOptions(new GuardOptions());
        var redis = new RedisConnection(
            settings, new RedisKeys("guard"), TimeSpan.FromSeconds(30), new StoreContact(), new GuardMetrics(options), TimeProvider.System, NullLogger<RedisConnection>.Instance);
        return new StoreLink(redis, new RedisPools(redis), options);
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();
}
