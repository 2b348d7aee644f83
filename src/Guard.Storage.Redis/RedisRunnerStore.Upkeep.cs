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

    /// <summary>How long a Guard that leases each pool for itself keeps off a pool after it was looked at.</summary>
    private static readonly TimeSpan PoolLeaseTtl = TimeSpan.FromSeconds(4);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => await pools.ListAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken)
    {
        var reply = await redis.EvaluateAsync(
            "upkeep_lease", [redis.Keys.Leases], [terms.GuardId, Milliseconds(terms.Ttl), UpkeepPartition.Count, terms.IsLeaving ? 1 : 0], cancellationToken);
        var leases = new PartitionLease[reply.Length / 2];
        for (var i = 0; i < leases.Length; i++)
        {
            leases[i] = new((int)reply[2 * i], (long)reply[(2 * i) + 1]);
        }

        return leases;
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken)
        => await redis.EvaluateAsync("upkeep_release", [redis.Keys.Leases], [guardId], cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        var pool = terms.Pool;
        var lostMs = terms.LostAfter == TimeSpan.MaxValue ? -1 : Milliseconds(terms.LostAfter);
        RedisValue[] arguments =
        [
            terms.Lease.GuardId, terms.Lease.Epoch, lostMs, Milliseconds(TombstoneTtl), IPoolUpkeepStore.MostPerSweep,
            EligibleAfter, Restart, Milliseconds(rules().PendingFor), Milliseconds(PoolLeaseTtl),
        ];
        var reply = await EvaluateAsync("pool_sweep", pool, arguments, cancellationToken);
        if (reply.Length == 0)
        {
            return null;
        }

        var lost = await StopManyAsync(reply[1].Texts, pool, lostMs, terms.Lease, cancellationToken);

        // Whoever stopped these did not come to the end.
        await StopManyAsync(reply[2].Texts, pool, "", null, cancellationToken);
        var sweep = ReadSweep(pool, reply);
        if (lost.Count > 0 && await EvaluateAsync("pool_sweep", pool, arguments, cancellationToken) is { Length: > 0 } again)
        {
            // What there is to do once they are gone; another Guard may keep the pool by now.
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
    public async ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        var now = redis.NowAsync(cancellationToken);
        var heard = await redis.CallAsync(
            "pools_silence",
            db => Task.WhenAll(pools.Select(pool => db.SortedSetRangeByRankWithScoresAsync(redis.Keys.Pool(pool).Append("pings"), 0, 0))),
            cancellationToken);
        var t = await now;
        return Array.ConvertAll(heard, h => h is [var first] ? TimeSpan.FromMilliseconds(Math.Max(0, t - first.Score)) : (TimeSpan?)null);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken)
    {
        var due = await EvaluateAsync(
            "tombs_due", pool, [lease.GuardId, lease.Epoch, Milliseconds(TombstoneTtl), IPoolUpkeepStore.MostPerPurge], cancellationToken);
        var members = new List<RedisValue>();
        var keys = new List<(RedisKey, RedisValue[])>();
        var lists = new List<(RedisKey, RedisValue[])>();
        var pools = new List<RedisKey>();
        for (var i = 0; i + 2 < due.Length; i += 3)
        {
            var member = (string)due[i]!;
            var id = member[2..];
            members.Add(member);
            if (member[0] == 'r')
            {
                lists.Add((redis.Keys.Namespace(pool.Namespace), [id, RedisIndex.Runners]));
                pools.Add(redis.Keys.RunnerPool(id));
            }
            else if (ActorId.TryParse(id, out var actor) && (string?)due[i + 1] is { } name)
            {
                lists.Add((redis.Keys.Namespace(pool.Namespace), [id, RedisIndex.Actors, RedisIndex.Named(name)]));
                pools.Add(redis.Keys.ActorPool(actor));
                if ((string?)due[i + 2] is { } key)
                {
                    keys.Add((redis.Keys.ActorKey(pool.Namespace, name, key), [id]));
                }
            }
        }

        if (members.Count == 0)
        {
            return false;
        }

        // First what leads to them, then they themselves, so that one who dies between leaves nothing behind.
        await Task.WhenAll(
            redis.EvaluateManyAsync("key_release", keys, cancellationToken),
            redis.EvaluateManyAsync("index_remove", lists, cancellationToken),
            redis.CallAsync("forget", db => Task.WhenAll(pools.Select(key => db.KeyDeleteAsync(key))), cancellationToken));
        await EvaluateAsync("pool_purge", pool, [lease.GuardId, lease.Epoch, .. members], cancellationToken);
        return members.Count == IPoolUpkeepStore.MostPerPurge;
    }

    /// <inheritdoc/>
    public async ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken)
    {
        RedisValue[] arguments =
        [
            terms.RunnerId, (long)terms.Delay.TotalMilliseconds, (long)terms.Grace.TotalMilliseconds, terms.Most, ActorsPerCall, Restart,
            terms.Lease.GuardId, terms.Lease.Epoch,
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

    /// <inheritdoc/>
    public async ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken)
    {
        RedisValue text = FormattableString.Invariant($"a|{actor.Pool}|{actor.Id}|{actor.Revision}");
        await redis.CallAsync("tell_actor", db => db.PublishAsync(redis.Keys.Events, text), cancellationToken);
    }

    private static PoolSweep ReadSweep(PoolId pool, RedisReply reply) => new()
    {
        IsTaken = (int)reply[0] == 1,
        Lost = [],
        HasTombstones = (int)reply[3] == 1,
        DrainedByVersion = RunnerHash.ReadAll(pool, reply[4]),
        Draining = RunnerHash.ReadAll(pool, reply[5]),
        TimedOut = ActorHash.ReadAll(pool, reply[6]),
        DueRestarts = Array.ConvertAll(reply[7].Texts, RedisHash.ReadActor),
        NextRestart = Span(reply[8]),
        Config = RedisPoolStore.Read((byte[]?)reply[9]),
        Pending = (int)reply[10],
        Streams = RunnerHash.ReadStreams(reply[11]),
        NextDeadline = Span(reply[12]),
        Silence = Span(reply[13]),
        HasVersions = (int)reply[14] == 1,
        StartingFor = Span(reply[15]),
    };

    /// <summary>Stops runners and takes their actors from them, all in the same round trips; the records of those that this call stopped. With
    /// an age from which they are lost it needs the lease of the pool.</summary>
    private async Task<List<RunnerRecord>> StopManyAsync(
        IReadOnlyList<string> runnerIds, PoolId pool, RedisValue lostAfter, UpkeepLease? lease, CancellationToken cancellationToken)
    {
        var stopped = new List<RunnerRecord>();
        var left = runnerIds;
        while (left.Count > 0)
        {
            var runs = left.Select(id => (
                redis.Keys.Pool(pool), (RedisValue[])[id, lostAfter, ActorsPerCall, EligibleAfter, Restart, lease?.GuardId ?? "", lease?.Epoch ?? 0])).ToArray();
            var replies = await redis.EvaluateManyAsync("runner_stop", runs, cancellationToken);
            var more = new List<string>();
            foreach (var (id, reply) in left.Zip(replies).Where(r => r.Second.Length > 0))
            {
                if ((int)reply[0] == 1)
                {
                    stopped.Add(RunnerHash.Read(id, pool, RedisHash.Of(reply[2])));
                }

                if ((int)reply[1] > 0)
                {
                    more.Add(id);
                }
            }

            left = more;
        }

        return stopped;
    }

    private static TimeSpan? Span(RedisReply milliseconds)
        => (string?)milliseconds is { Length: > 0 } ? TimeSpan.FromMilliseconds((long)milliseconds) : null;

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
