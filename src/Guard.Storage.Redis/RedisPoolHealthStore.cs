using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>Pool health in Redis: each step of <see cref="PoolHealth"/> is one script in the pool's slot, and what others must hear of is
/// published by it. Thread-safe.</summary>
/// <param name="redis">Every call goes through it.</param>
/// <param name="rules">Asked at each call: new rules count from the next one.</param>
internal sealed class RedisPoolHealthStore(RedisConnection redis, Func<StoreRules> rules) : IPoolHealthStore
{
    /// <summary>The largest integer scripts and JSON readers can hold exactly.</summary>
    private const long MaxExact = 1L << 53;

    private PoolHealthRules Rules => rules().Health;

    /// <inheritdoc/>
    public async ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
        => Read(pool, await EvaluateAsync("health_read", pool, [Rules.ErrorTtl], cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PoolHealthSnapshot>> ReadManyAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        RedisValue[] arguments = [Rules.ErrorTtl];
        var replies = await redis.EvaluateManyAsync("health_read", [.. pools.Select(p => (redis.Keys.Pool(p), arguments))], cancellationToken);
        return replies.Select((reply, i) => Read(pools[i], reply)).ToArray();
    }

    /// <inheritdoc/>
    public async ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
    {
        var now = rules();
        var json = JsonSerializer.SerializeToUtf8Bytes(error.Truncate(now.MaxErrorBytes), RedisJson.Default.PoolError);
        return Read(pool, await EvaluateAsync("health_error", pool, [now.Health.ErrorTtl, Random(), now.Health.ErrorsToTrip, json], cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var health = Rules;
        return Read(pool, await EvaluateAsync("health_success", pool, [health.ErrorTtl, Random(), health.SuccessesToClear], cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
    {
        var probeId = Random();
        var reply = await EvaluateAsync("health_probe", pool, [Rules.ErrorTtl, (long)interval.TotalMilliseconds, probeId], cancellationToken);
        return new((int)reply[0] == 1 ? probeId : 0, Read(pool, reply[2]), TimeSpan.FromMilliseconds((long)reply[1]));
    }

    /// <inheritdoc/>
    public async ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken)
        => (long)await EvaluateAsync("health_probe_open", pool, [Rules.ErrorTtl], cancellationToken);

    /// <inheritdoc/>
    public async ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => await EvaluateAsync("health_probe_end", pool, [Rules.ErrorTtl, probeId, success ? 1 : 0], cancellationToken);

    /// <summary>Reads a pushed change: <c>pool|epoch|seq|red since|successes|error time|error seq|error</c>; null when it is none.</summary>
    public static PoolHealthSnapshot? ReadPushed(string text)
    {
        var parts = text.Split('|', 8);
        if (parts.Length != 8 || RedisHash.ParsePool(parts[0]) is not { } pool || !ulong.TryParse(parts[1], out var epoch)
            || !long.TryParse(parts[2], out var seq) || !long.TryParse(parts[3], out var redSince) || !int.TryParse(parts[4], out var successes)
            || !long.TryParse(parts[5], out var errorTs) || !long.TryParse(parts[6], out var errorSeq))
        {
            return null;
        }

        try
        {
            var error = parts[7].Length == 0 ? null : RedisJson.ReadError(Encoding.UTF8.GetBytes(parts[7]));
            return new(pool, epoch, seq, redSince != 0, error is null ? null : new(error, errorTs, errorSeq), successes, redSince);
        }
        catch (StoreException)
        {
            return null;
        }
    }

    private static PoolHealthSnapshot Read(PoolId pool, RedisReply reply)
    {
        if (RedisHash.From(reply) is not { } hash)
        {
            return PoolHealthSnapshot.Unknown(pool);
        }

        var error = hash.Bytes("le") is { } json ? RedisJson.ReadError(json) : null;
        return new(
            pool,
            (ulong)hash.Number("ep"),
            hash.Number("q"),
            hash.Has("rs"),
            error is null ? null : new(error, hash.Number("lt"), hash.Number("lq")),
            (int)hash.Number("su"),
            hash.Number("rs"));
    }

    private static long Random()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return (long)(BitConverter.ToUInt64(bytes) % (MaxExact - 1)) + 1;
    }

    private Task<RedisReply> EvaluateAsync(string script, PoolId pool, RedisValue[] arguments, CancellationToken cancellationToken)
        => redis.EvaluateAsync(script, [redis.Keys.Pool(pool)], arguments, cancellationToken);
}
