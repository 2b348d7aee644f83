using Guard.Core.Pools;
using Guard.Core.Runners;
using Guard.Core.Targets;
using StackExchange.Redis;

namespace Guard.Core.Storage.Redis;

internal sealed partial class RedisRunnerStore
{
    /// <summary>How long destroyed actors and stopped runners stay to be seen.</summary>
    private static readonly TimeSpan TombstoneTtl = TimeSpan.FromHours(1);

    /// <summary>Actors of a stopped runner that one script call moves: Redis serves nobody else meanwhile.</summary>
    private const int ActorsPerCall = 250;

    /// <summary>Silent runners and tombstones one sweep of a pool takes on; the next one goes on.</summary>
    private const int MostPerSweep = 500;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<RunnerRecord>> SweepLostAsync(TimeSpan lostAfter, CancellationToken cancellationToken)
    {
        var lostMs = lostAfter == TimeSpan.MaxValue ? -1 : (long)lostAfter.TotalMilliseconds;
        var lost = new List<RunnerRecord>();
        foreach (var pool in await pools.ListAsync(cancellationToken))
        {
            var todo = await EvaluateAsync("pool_sweep", pool, [lostMs, (long)TombstoneTtl.TotalMilliseconds, MostPerSweep], cancellationToken);
            foreach (var silent in (string[])todo[0]!)
            {
                if (await StopAsync(silent, pool, lostMs, cancellationToken) is { } runner)
                {
                    lost.Add(runner);
                }
            }

            foreach (var leaving in (string[])todo[1]!)
            {
                // Whoever stopped it did not come to the end.
                await StopAsync(leaving, pool, "", cancellationToken);
            }

            await PurgeAsync(pool, (string[])todo[2]!, cancellationToken);
        }

        return lost;
    }

    /// <summary>Stops a runner and takes its actors from it; its record if it was this call that stopped it.</summary>
    private async Task<RunnerRecord?> StopAsync(string runnerId, PoolId pool, RedisValue lostAfter, CancellationToken cancellationToken)
    {
        RunnerRecord? stopped = null;
        while (true)
        {
            var reply = await EvaluateAsync("runner_stop", pool, [runnerId, lostAfter, ActorsPerCall], cancellationToken);
            if (reply.Length == 0)
            {
                return stopped;
            }

            if ((int)reply[0] == 1)
            {
                stopped = RunnerHash.Read(runnerId, pool, RedisHash.From(reply[2])!);
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
