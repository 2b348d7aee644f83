using Guard.Model.Ids;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>Which pools there are, for those who look at all of them. Thread-safe.</summary>
internal sealed class RedisPools(RedisConnection redis)
{
    /// <summary>Every pool that has, or had, a runner-config: runners and actors may outlive it.</summary>
    public async Task<IReadOnlyList<PoolId>> ListAsync(CancellationToken cancellationToken)
    {
        var namespaces = await NamespacesAsync(cancellationToken);
        var names = await redis.CallAsync(
            "pools", db => Task.WhenAll(Array.ConvertAll(namespaces, n => db.SortedSetRangeByRankAsync(PoolsKey(n)))), cancellationToken);
        return namespaces.SelectMany((n, i) => names[i].Select(name => new PoolId(n, name.ToString()))).ToArray();
    }

    public async Task<string[]> NamespacesAsync(CancellationToken cancellationToken)
        => Array.ConvertAll(await redis.CallAsync("namespaces", db => db.SetMembersAsync(redis.Keys.Namespaces), cancellationToken), n => n.ToString());

    /// <summary>Whether a pool has a runner-config now.</summary>
    public Task<bool> IsConfiguredAsync(PoolId pool, CancellationToken cancellationToken)
        => redis.CallAsync("pool_configured", db => db.HashExistsAsync(ConfigKey(pool), "json"), cancellationToken);

    /// <summary>The hash of a pool's runner-config: <c>json</c> and <c>endpoint</c>.</summary>
    public RedisKey ConfigKey(PoolId pool) => redis.Keys.Pool(pool).Append("config");

    /// <summary>The names of a namespace's pools, all with score 0: in ordinal order.</summary>
    public RedisKey PoolsKey(string @namespace) => redis.Keys.Namespace(@namespace).Append("pools");
}
