using Guard.Model.Ids;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>
/// The keys outside the pools' slots that lead to them: which pool an actor or a runner is of, and a namespace's lists in the order of
/// creation. Entries are written before what they lead to and removed before it is; one that leads nowhere is skipped. Thread-safe.
/// </summary>
internal sealed class RedisIndex(RedisConnection redis)
{
    /// <summary>Most entries one page of a list looks at.</summary>
    private const int MaxScanned = 10_000;
    private const int Chunk = 1000;

    public const string Actors = "actors";
    public const string Runners = "runners";

    /// <summary>The list of a name's actors.</summary>
    public static string Named(string name) => $"names:{name}";

    public async Task<PoolId?> PoolOfAsync(ActorId id, CancellationToken cancellationToken)
        => RedisHash.ReadPool(await redis.CallAsync("actor_pool", db => db.StringGetAsync(redis.Keys.ActorPool(id)), cancellationToken));

    public async Task<PoolId?> PoolOfAsync(string runnerId, CancellationToken cancellationToken)
        => RedisHash.ReadPool(await redis.CallAsync("runner_pool", db => db.StringGetAsync(redis.Keys.RunnerPool(runnerId)), cancellationToken));

    /// <summary>Notes the pool of a new actor; the pool it has already, if the id was taken.</summary>
    public async Task<PoolId?> SetPoolAsync(ActorId id, PoolId pool, CancellationToken cancellationToken)
        => await redis.CallAsync("actor_pool", db => db.StringSetAsync(redis.Keys.ActorPool(id), pool.ToString(), when: When.NotExists), cancellationToken)
            ? null
            : await PoolOfAsync(id, cancellationToken);

    /// <summary>The same for an id that can be no other's, as a part of a call.</summary>
    public Task SetPoolAsync(IDatabase db, ActorId id, PoolId pool) => db.StringSetAsync(redis.Keys.ActorPool(id), pool.ToString(), when: When.NotExists);

    public Task SetPoolAsync(string runnerId, PoolId pool, CancellationToken cancellationToken)
        => redis.CallAsync("runner_pool", db => db.StringSetAsync(redis.Keys.RunnerPool(runnerId), pool.ToString(), when: When.NotExists), cancellationToken);

    public Task AddAsync(string @namespace, string id, CancellationToken cancellationToken, params string[] lists)
        => redis.EvaluateAsync("index_add", [redis.Keys.Namespace(@namespace)], [id, .. lists], cancellationToken);

    /// <summary>The same as a part of a call.</summary>
    public Task AddAsync(IDatabase db, string @namespace, string id, params string[] lists)
        => redis.EvaluateAsync(db, "index_add", [redis.Keys.Namespace(@namespace)], [id, .. lists]);

    /// <summary>A page of a list, newest first, of what <paramref name="read"/> makes of its ids; ids it leaves out are not on the page.</summary>
    public async Task<Page<T>> PageAsync<T>(
        string @namespace, string list, char kind, string? cursor, int limit, Func<string[], Task<T?[]>> read, CancellationToken cancellationToken)
        where T : class
    {
        ListCursor.CheckLimit(limit);
        var key = redis.Keys.Namespace(@namespace).Append(list);
        var before = ListCursor.ReadNumber(kind, cursor) ?? double.PositiveInfinity;
        var items = new List<T>();
        var last = 0L;
        for (var scanned = 0; scanned < MaxScanned;)
        {
            var take = Math.Min(Chunk, Math.Max(limit - items.Count + 1, 64));
            var stop = before;
            var entries = await redis.CallAsync(
                "list", db => db.SortedSetRangeByScoreWithScoresAsync(key, double.NegativeInfinity, stop, Exclude.Stop, Order.Descending, take: take), cancellationToken);
            var found = await read(Array.ConvertAll(entries, e => e.Element.ToString()));
            for (var i = 0; i < entries.Length; i++)
            {
                before = entries[i].Score;
                if (found[i] is not { } item)
                {
                    continue;
                }

                if (items.Count == limit)
                {
                    // Only now is it certain that there is a next page.
                    return new(items, ListCursor.At(kind, last));
                }

                items.Add(item);
                last = (long)before;
            }

            if (entries.Length < take)
            {
                return new(items, null);
            }

            scanned += entries.Length;
        }

        return new(items, ListCursor.At(kind, (long)before));
    }
}
