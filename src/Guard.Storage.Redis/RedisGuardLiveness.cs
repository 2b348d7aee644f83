using Guard.Model.Stores;

namespace Guard.Storage.Redis;

/// <summary>One key per Guard, that Redis drops when it is not renewed. Thread-safe.</summary>
internal sealed class RedisGuardLiveness(RedisConnection redis) : IGuardLiveness
{
    /// <inheritdoc/>
    public async ValueTask RenewAsync(string guardId, CancellationToken cancellationToken)
        => await redis.CallAsync("alive_renew", db => db.StringSetAsync(redis.Keys.Alive(guardId), 1, IGuardLiveness.Ttl), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask EndAsync(string guardId, CancellationToken cancellationToken)
        => await redis.CallAsync("alive_end", db => db.KeyDeleteAsync(redis.Keys.Alive(guardId)), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> IsAliveAsync(string guardId, CancellationToken cancellationToken)
        => await redis.CallAsync("alive", db => db.KeyExistsAsync(redis.Keys.Alive(guardId)), cancellationToken);
}
