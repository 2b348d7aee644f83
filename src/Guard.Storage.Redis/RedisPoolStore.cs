using System.Text;
using System.Text.Json;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>Runner-configs in Redis. Thread-safe.</summary>
internal sealed class RedisPoolStore(RedisConnection redis, RedisPools pools) : IPoolStore
{
    /// <inheritdoc/>
    public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => WriteAsync(pool, config, replace: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => WriteAsync(pool, config, replace: false, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken)
        => Read((byte[]?)await redis.CallAsync("pool_get", db => db.HashGetAsync(pools.ConfigKey(pool), "json"), cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken)
        => (int)await redis.EvaluateAsync("pool_delete", [redis.Keys.Pool(pool)], [], cancellationToken) == 1;

    /// <inheritdoc/>
    public async ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken)
    {
        ListCursor.CheckLimit(query.Limit);
        var after = ListCursor.ReadName(query.Cursor);
        var items = new List<PoolEntry>();
        while (true)
        {
            var names = query.Name is { } only
                ? after is null || string.CompareOrdinal(only, after) > 0 ? [only] : []
                : await NamesAsync(query.Namespace, after, query.Limit + 1, cancellationToken);
            var found = Array.ConvertAll(names, name => new PoolId(query.Namespace, name));
            var configs = await redis.CallAsync(
                "pools_get", db => Task.WhenAll(Array.ConvertAll(found, pool => db.HashGetAsync(pools.ConfigKey(pool), "json"))), cancellationToken);
            for (var i = 0; i < found.Length; i++)
            {
                if (Read((byte[]?)configs[i]) is not { } config)
                {
                    continue;
                }

                if (items.Count == query.Limit)
                {
                    return new(items, ListCursor.After(items[^1].Pool.Name));
                }

                items.Add(new(found[i], config));
            }

            if (query.Name is not null || names.Length <= query.Limit)
            {
                return new(items, null);
            }

            after = names[^1];
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => await pools.NamespacesAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken)
        => await redis.CallAsync("namespace_exists", db => db.SetContainsAsync(redis.Keys.Namespaces, @namespace), cancellationToken);

    private async ValueTask<bool> WriteAsync(PoolId pool, PoolConfig config, bool replace, CancellationToken cancellationToken)
    {
        // What leads to the pool comes first: a name without a runner-config is skipped, a runner-config nobody finds would be lost.
        await redis.CallAsync("namespace_add", db => db.SetAddAsync(redis.Keys.Namespaces, pool.Namespace), cancellationToken);
        await redis.CallAsync("pool_add", db => db.SortedSetAddAsync(pools.PoolsKey(pool.Namespace), pool.Name, 0), cancellationToken);
        var json = JsonSerializer.SerializeToUtf8Bytes(config, RedisJson.Default.PoolConfig);
        return (int)await redis.EvaluateAsync(
            "pool_put",
            [redis.Keys.Pool(pool)],
            [json, Endpoint(config.Serverless), config.DrainOnVersionUpgrade ? 1 : 0, replace ? 1 : 0],
            cancellationToken) == 1;
    }

    private async Task<string[]> NamesAsync(string @namespace, string? after, int most, CancellationToken cancellationToken)
    {
        var names = await redis.CallAsync(
            "pools_list",
            db => db.SortedSetRangeByValueAsync(pools.PoolsKey(@namespace), after ?? default(RedisValue), exclude: after is null ? Exclude.None : Exclude.Start, take: most),
            cancellationToken);
        return Array.ConvertAll(names, n => n.ToString());
    }

    /// <summary>The runner-config that the JSON is; null when there is none.</summary>
    public static PoolConfig? Read(byte[]? json) => json is null or [] ? null : RedisJson.ReadConfig(json);

    /// <summary>The part whose change is told to the caller of a put; header names compare as HTTP does.</summary>
    private static string Endpoint(ServerlessPoolConfig? serverless)
    {
        if (serverless is null)
        {
            return "normal";
        }

        var text = new StringBuilder("serverless\n").Append(serverless.Url);
        foreach (var (name, value) in serverless.Headers.OrderBy(h => h.Key, StringComparer.OrdinalIgnoreCase))
        {
            text.Append('\n').Append(name.ToLowerInvariant()).Append(": ").Append(value);
        }

        return text.ToString();
    }
}
