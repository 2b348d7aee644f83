using System.Security.Cryptography;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>
/// Actors in Redis. Each transition is one script in the slot of the actor's pool; docs/redis.md describes the keys. Thread-safe.
/// </summary>
/// <param name="redis">Every call goes through it.</param>
/// <param name="pools">Tells which pools are configured.</param>
/// <param name="rules">Asked at each call: new rules count from the next one.</param>
/// <param name="random">Draws the jitter of restarts; must be thread-safe. Null = <see cref="Random.Shared"/>.</param>
internal sealed partial class RedisActorStore(
    RedisConnection redis, RedisPools pools, Func<StoreRules> rules, Random? random = null)
    : IActorStore, IActorImportStore
{
    private const int MaxStarting = 1000;
    private readonly RedisIndex _index = new(redis);

    private RedisValue Restart => rules().Restart.Draw(random ?? Random.Shared).ToString();

    /// <summary>What scripts count a success of a pool with.</summary>
    private RedisValue[] Success => RedisPoolHealthStore.SuccessTerms(rules().Health);

    /// <inheritdoc/>
    public async ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken)
        => await _index.PoolOfAsync(id, cancellationToken) is { } pool ? await GetAsync(id, pool, cancellationToken) : null;

    /// <inheritdoc/>
    public async ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken)
    {
        var entries = await redis.CallAsync("actor_get", db => db.HashGetAllAsync(ActorKey(id, pool)), cancellationToken);
        return RedisHash.From(entries) is { } hash ? ActorHash.Read(id, pool, hash) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        RedisValue[] arguments =
        [
            request.Id.ToString(), request.Starter, ActorId.New(request.Id.Label).ToString(),
            Milliseconds(rules().EligibleAfter), request.TakeOverGeneration is { } generation ? generation : "",
            RandomNumberGenerator.GetInt32(int.MaxValue), Restart, request.IsRepeat ? 1 : 0,
            request.Tried?.Count ?? 0, .. (request.Tried ?? []).Concat(request.Exclude).Select(e => (RedisValue)e),
        ];
        var reply = await EvaluateAsync("actor_begin_start", request.Pool, arguments, cancellationToken);
        var actor = reply.Length > 1 && RedisHash.From(reply[1]) is { } hash ? ActorHash.Read(request.Id, request.Pool, hash) : null;
        switch ((string?)reply[0])
        {
            case "granted":
                var runner = RunnerHash.Read(reply[2].Text, request.Pool, RedisHash.Of(reply[3]));
                var replaced = RedisHash.From(reply[4]) is { } before ? ActorHash.Read(request.Id, request.Pool, before) : null;
                return new(StartGrantStatus.Granted, actor, runner, replaced);
            case "ready":
                return new(StartGrantStatus.AlreadyReady, actor);
            case "starting":
                return new(StartGrantStatus.StartingElsewhere, actor);
            case "stopping":
                return new(StartGrantStatus.Stopping, actor);
            case "no_capacity":
                return new(StartGrantStatus.NoCapacity, actor, HasUntried: (int)reply[2] == 1);
            case "destroyed":
                return new(StartGrantStatus.Destroyed, actor);
            default:
                return new(StartGrantStatus.NotFound, null);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken)
    {
        var reply = await EvaluateAsync("actors_pending", pool, [.. ids.Select(id => (RedisValue)id.ToString())], cancellationToken);
        return reply.Texts.Select(RedisHash.ReadActor).ToHashSet();
    }

    /// <inheritdoc/>
    public async ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
    {
        var (result, reply) = await CommitAsync(id, pool, generation, "ready", "", cancellationToken);
        return new(result, RedisHash.From(reply) is { } hash ? ActorHash.Read(id, pool, hash) : null);
    }

    /// <inheritdoc/>
    public async ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
        => (await CommitAsync(id, pool, generation, final ? "failed_for_good" : "failed", ActorHash.WriteError(error), cancellationToken)).Result;

    /// <inheritdoc/>
    public async ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => (await CommitAsync(id, pool, generation, "disowned", "", cancellationToken)).Result;

    /// <inheritdoc/>
    public async ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => (await CommitAsync(id, pool, generation, "stopped", "", cancellationToken)).Result;

    /// <inheritdoc/>
    public async ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
    {
        if (await _index.PoolOfAsync(runnerEvent.Actor, cancellationToken) is not { } pool)
        {
            return RunnerEventResult.Unknown;
        }

        var kind = runnerEvent.Kind switch
        {
            RunnerEventKind.Ready => "ready",
            RunnerEventKind.Stopped => "stopped",
            RunnerEventKind.Crashed => "crashed",
            RunnerEventKind.Sleep => "sleep",
            _ => "destroy",
        };
        var error = ActorHash.WriteError(new(ActorErrorKind.Crashed, Message: runnerEvent.Message));
        var reply = await EvaluateAsync("actor_event", pool, [runnerEvent.Actor.ToString(), runnerId, runnerEvent.Generation, kind, error, Restart, .. Success], cancellationToken);
        return (string?)reply switch
        {
            "ok" => RunnerEventResult.Ok,
            "stale" => RunnerEventResult.Stale,
            _ => RunnerEventResult.Unknown,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken)
    {
        if (await _index.PoolOfAsync(id, cancellationToken) is not { } pool
            || RedisHash.From(await EvaluateAsync("actor_destroy", pool, [id.ToString()], cancellationToken)) is not { } hash)
        {
            return null;
        }

        var before = ActorHash.Read(id, pool, hash);
        if (before.Key is { } key)
        {
            // Where this does not come to pass, the entry leads to a destroyed actor: whoever meets it replaces it.
            await redis.EvaluateAsync("key_release", [redis.Keys.ActorKey(pool.Namespace, before.Name, key)], [id.ToString()], cancellationToken);
        }

        return before;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
        => ActorHash.ReadAll(pool, await EvaluateAsync("actors_starting", pool, [Milliseconds(olderThan), MaxStarting], cancellationToken));

    private async Task<(TransitionResult Result, RedisReply Record)> CommitAsync(
        ActorId id, PoolId pool, long generation, string what, string error, CancellationToken cancellationToken)
    {
        var reply = await EvaluateAsync("actor_commit", pool, [id.ToString(), generation, what, error, Restart, .. Success], cancellationToken);
        var result = (string?)reply[0] switch
        {
            "ok" => TransitionResult.Ok,
            "stale" => TransitionResult.Stale,
            _ => TransitionResult.NotFound,
        };
        return (result, reply[1]);
    }

    private RedisKey ActorKey(ActorId id, PoolId pool) => redis.Keys.Pool(pool).Append($"actor:{id}");

    private Task<RedisReply> EvaluateAsync(string script, PoolId pool, RedisValue[] arguments, CancellationToken cancellationToken)
        => redis.EvaluateAsync(script, [redis.Keys.Pool(pool)], arguments, cancellationToken);

    private static long Milliseconds(TimeSpan time) => (long)Math.Min(time.TotalMilliseconds, 1L << 52);
}
