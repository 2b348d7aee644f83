using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>Runners in Redis: each change is one script in the slot of the runner's pool. Thread-safe.</summary>
/// <param name="redis">Every call goes through it.</param>
/// <param name="pools">Lists the pools there are.</param>
/// <param name="rules">Asked at each call: new rules count from the next one.</param>
/// <param name="random">Draws the jitter of restarts; must be thread-safe. Null = <see cref="Random.Shared"/>.</param>
internal sealed partial class RedisRunnerStore(RedisConnection redis, RedisPools pools, Func<StoreRules> rules, Random? random = null)
    : IRunnerStore, IPoolUpkeepStore
{
    private readonly RedisIndex _index = new(redis);

    private long EligibleAfter => (long)rules().EligibleAfter.TotalMilliseconds;

    private RedisValue Restart => rules().Restart.Draw(random ?? Random.Shared).ToString();

    /// <inheritdoc/>
    public async ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
    {
        RedisValue[] arguments =
        [
            runner.RunnerId, runner.Key, runner.Version, runner.TotalSlots, runner.IsStatic ? 1 : 0, EligibleAfter,
            runner.Stream?.Owner ?? "", runner.Stream?.Terms ?? "", (long)(runner.Stream?.OpenedAgo.TotalMilliseconds ?? 0),
            runner.Stream is { IsLeaving: true } ? 1 : 0,
            .. LocationFields.Write(runner.Location, redis.Keys.Format),
        ];
        var reply = await EvaluateAsync("runner_register", runner.Pool, arguments, cancellationToken);
        if (reply.Length == 0)
        {
            return null;
        }

        // After the record: its id is known only now. A caller that dies here has told the runner nothing, so it registers again.
        var id = reply[0].Text;
        await _index.SetPoolAsync(id, runner.Pool, cancellationToken);
        await _index.AddAsync(runner.Pool.Namespace, id, cancellationToken, RedisIndex.Runners);
        return new(RunnerHash.Read(id, runner.Pool, RedisHash.Of(reply[1])), RunnerHash.ReadAll(runner.Pool, reply[2]));
    }

    /// <inheritdoc/>
    public async ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (await _index.PoolOfAsync(runnerId, cancellationToken) is not { } pool)
        {
            return null;
        }

        var reply = await EvaluateAsync("runner_heartbeat", pool, [runnerId, EligibleAfter], cancellationToken);
        return reply.Length == 0 ? null : new HeartbeatResult((int)reply[0] == 1, (long)reply[1]);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken)
        => await _index.PoolOfAsync(runnerId, cancellationToken) is { } pool
            && (int)await EvaluateAsync("runner_drain", pool, [runnerId, EligibleAfter], cancellationToken) == 1;

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken)
        => await _index.PoolOfAsync(runnerId, cancellationToken) is { } pool && (await StopManyAsync([runnerId], pool, "", null, cancellationToken)).Count > 0;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken)
    {
        var states = new StreamState[beats.Count];
        var byPool = beats.Select((beat, i) => (beat, i)).GroupBy(b => b.beat.Pool).ToArray();
        var calls = Array.ConvertAll(byPool, pool => (
            redis.Keys.Pool(pool.Key),
            (RedisValue[])[EligibleAfter, .. pool.SelectMany(b => new RedisValue[] { b.beat.RunnerId, b.beat.IsLeaving ? 1 : 0 })]));
        var replies = await redis.EvaluateManyAsync("runners_beat", calls, cancellationToken);
        foreach (var (pool, reply) in byPool.Zip(replies))
        {
            var at = 0;
            foreach (var (_, i) in pool)
            {
                states[i] = (StreamState)(int)reply[at++];
            }
        }

        return states;
    }

    /// <inheritdoc/>
    public async ValueTask<RunnerRecord?> GetAsync(string runnerId, CancellationToken cancellationToken)
        => await _index.PoolOfAsync(runnerId, cancellationToken) is { } pool
            && RedisHash.From(await redis.CallAsync("runner_get", db => db.HashGetAllAsync(RunnerKey(runnerId, pool)), cancellationToken)) is { } hash
            ? RunnerHash.Read(runnerId, pool, hash)
            : null;

    /// <inheritdoc/>
    public async ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken)
        => await _index.PageAsync(
            query.Namespace,
            RedisIndex.Runners,
            ListCursor.Runners,
            query.Cursor,
            query.Limit,
            async ids => Array.ConvertAll(await ReadAllAsync(ids, cancellationToken), runner => Matches(runner, query) ? runner : null),
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (await _index.PoolOfAsync(runnerId, cancellationToken) is not { } pool)
        {
            return null;
        }

        var reply = await EvaluateAsync("runner_actors", pool, [runnerId], cancellationToken);
        if (reply.Length == 0)
        {
            return null;
        }

        var actors = new List<RunnerActor>();
        for (var i = 0; i + 1 < reply[1].Length; i += 2)
        {
            if (ActorId.TryParse(reply[1][i].Text, out var id))
            {
                actors.Add(new(id, (long)reply[1][i + 1]));
            }
        }

        return new((long)reply[0], actors);
    }

    private static bool Matches(RunnerRecord? runner, RunnerQuery query)
        => runner is not null && (query.IncludeStopped || runner.StopTs == 0) && (query.Name is null || runner.Pool.Name == query.Name);

    private async Task<RunnerRecord?[]> ReadAllAsync(string[] ids, CancellationToken cancellationToken)
    {
        var pools = await redis.CallAsync(
            "runner_pools", db => Task.WhenAll(Array.ConvertAll(ids, id => db.StringGetAsync(redis.Keys.RunnerPool(id)))), cancellationToken);
        var known = Array.ConvertAll(pools, p => RedisHash.ParsePool(p));
        var hashes = await redis.CallAsync(
            "runners_get",
            db => Task.WhenAll(ids.Select((id, i) => known[i] is { } pool ? db.HashGetAllAsync(RunnerKey(id, pool)) : Task.FromResult<HashEntry[]>([]))),
            cancellationToken);
        return ids.Select((id, i) => RedisHash.From(hashes[i]) is { } hash ? RunnerHash.Read(id, known[i]!, hash) : null).ToArray();
    }

    private RedisKey RunnerKey(string id, PoolId pool) => redis.Keys.Pool(pool).Append($"runner:{id}");

    private Task<RedisReply> EvaluateAsync(string script, PoolId pool, RedisValue[] arguments, CancellationToken cancellationToken)
        => redis.EvaluateAsync(script, [redis.Keys.Pool(pool)], arguments, cancellationToken);
}
