using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

internal sealed partial class RedisRunnerStore
{
    /// <summary>How long destroyed actors and stopped runners stay to be seen.</summary>
    private static readonly TimeSpan TombstoneTtl = TimeSpan.FromHours(1);

    /// <summary>Actors of a stopped runner that one script call moves: Redis serves nobody else meanwhile.</summary>
    private const int ActorsPerCall = 250;

    private const int MaxStopping = 1000;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => await pools.ListAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        var pool = terms.Pool;
        var lostMs = terms.LostAfter == TimeSpan.MaxValue ? -1 : (long)terms.LostAfter.TotalMilliseconds;
        RedisValue[] arguments =
        [
            terms.GuardId, (long)terms.LeaseTtl.TotalMilliseconds, lostMs, (long)TombstoneTtl.TotalMilliseconds, IPoolUpkeepStore.MostPerSweep,
            EligibleAfter, Restart, (long)rules().PendingFor.TotalMilliseconds,
        ];
        var reply = await EvaluateAsync("pool_sweep", pool, arguments, cancellationToken);
        if (reply.Length == 0)
        {
            return null;
        }

        var lost = new List<RunnerRecord>();
        foreach (var silent in reply[1].Texts)
        {
            if (await StopAsync(silent, pool, lostMs, cancellationToken) is { } runner)
            {
                lost.Add(runner);
            }
        }

        foreach (var leaving in reply[2].Texts)
        {
            // Whoever stopped it did not come to the end.
            await StopAsync(leaving, pool, "", cancellationToken);
        }

        await PurgeAsync(pool, reply[3].Texts, cancellationToken);
        var sweep = ReadSweep(pool, reply);
        if (lost.Count > 0 && await EvaluateAsync("pool_sweep", pool, arguments, cancellationToken) is { Length: > 0 } again)
        {
            // What there is to do once they are gone; another Guard may have the lease by now.
            var left = ReadSweep(pool, again);
            sweep = left with
            {
                IsTaken = sweep.IsTaken,
                DrainedByVersion = [.. sweep.DrainedByVersion, .. left.DrainedByVersion],
                TimedOut = [.. sweep.TimedOut, .. left.TimedOut],
            };
        }

        return sweep with { Lost = lost };
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(PoolId pool, string guardId, CancellationToken cancellationToken)
        => await EvaluateAsync("pool_release", pool, [guardId], cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken)
    {
        RedisValue[] arguments =
        [
            terms.RunnerId, (long)terms.Delay.TotalMilliseconds, (long)terms.Grace.TotalMilliseconds, terms.Most, ActorsPerCall, Restart,
        ];
        var reply = await EvaluateAsync("runner_evict", terms.Pool, arguments, cancellationToken);
        return new()
        {
            Stopping = ActorHash.ReadAll(terms.Pool, reply[0]),
            TimedOut = ActorHash.ReadAll(terms.Pool, reply[1]),
            HasMore = (int)reply[2] == 1,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken)
        => ActorHash.ReadAll(pool, await EvaluateAsync("actors_stopping", pool, [MaxStopping], cancellationToken));

    /// <inheritdoc/>
    public async ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
    {
        RedisValue text = FormattableString.Invariant($"f|{pool}|{(failure is { } kind ? (int)kind : -1)}|{(long)wait.TotalMilliseconds}");
        await redis.CallAsync("tell_connect", db => db.PublishAsync(redis.Keys.Events, text), cancellationToken);
    }

    private static PoolSweep ReadSweep(PoolId pool, RedisReply reply) => new()
    {
        IsTaken = (int)reply[0] == 1,
        Lost = [],
        DrainedByVersion = RunnerHash.ReadAll(pool, reply[4]),
        Draining = RunnerHash.ReadAll(pool, reply[5]),
        TimedOut = ActorHash.ReadAll(pool, reply[6]),
        DueRestarts = Array.ConvertAll(reply[7].Texts, RedisHash.ReadActor),
        NextRestart = (string?)reply[8] is { Length: > 0 } ? TimeSpan.FromMilliseconds((long)reply[8]) : null,
        Config = RedisPoolStore.Read((byte[]?)reply[9]),
        Pending = (int)reply[10],
        Streams = RunnerHash.ReadStreams(reply[11]),
    };

    /// <summary>Stops a runner and takes its actors from it; its record if it was this call that stopped it.</summary>
    private async Task<RunnerRecord?> StopAsync(string runnerId, PoolId pool, RedisValue lostAfter, CancellationToken cancellationToken)
    {
        RunnerRecord? stopped = null;
        while (true)
        {
            var reply = await EvaluateAsync("runner_stop", pool, [runnerId, lostAfter, ActorsPerCall, EligibleAfter, Restart], cancellationToken);
            if (reply.Length == 0)
            {
                return stopped;
            }

            if ((int)reply[0] == 1)
            {
                stopped = RunnerHash.Read(runnerId, pool, RedisHash.Of(reply[2]));
            }

            if ((int)reply[1] == 0)
            {
                return stopped;
            }
        }
    }

    /// <summary>Forgets tombstones: first what leads to them, then they themselves, so that one who dies between leaves nothing behind.</summary>
    private async Task PurgeAsync(PoolId pool, string[] tombstones, CancellationToken cancellationToken)
    {
        foreach (var tombstone in tombstones)
        {
            var id = tombstone[2..];
            if (tombstone[0] == 'r')
            {
                await _index.RemoveAsync(pool.Namespace, id, cancellationToken, RedisIndex.Runners);
                await _index.ForgetAsync(redis.Keys.RunnerPool(id), cancellationToken);
                continue;
            }

            var key = redis.Keys.Pool(pool).Append($"actor:{id}");
            if (ActorId.TryParse(id, out var actorId)
                && RedisHash.From(await redis.CallAsync("actor_get", db => db.HashGetAllAsync(key), cancellationToken)) is { } hash)
            {
                var actor = ActorHash.Read(actorId, pool, hash);
                if (actor.Key is not null)
                {
                    await redis.EvaluateAsync("key_release", [redis.Keys.ActorKey(pool.Namespace, actor.Name, actor.Key)], [id], cancellationToken);
                }

                await _index.RemoveAsync(pool.Namespace, id, cancellationToken, RedisIndex.Actors, RedisIndex.Named(actor.Name));
                await _index.ForgetAsync(redis.Keys.ActorPool(actorId), cancellationToken);
            }
        }

        if (tombstones.Length > 0)
        {
            await EvaluateAsync("pool_purge", pool, Array.ConvertAll(tombstones, t => (RedisValue)t), cancellationToken);
        }
    }
}
