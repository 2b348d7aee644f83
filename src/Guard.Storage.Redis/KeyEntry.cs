using System.Globalization;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Redis;

/// <summary>
/// What the index says of an actor's key: <c>pending|id|namespace/pool|created</c> while its actor is being made, then
/// <c>live|id|namespace/pool</c>. Immutable.
/// </summary>
/// <param name="Text">As it stands in Redis, for compare-and-set.</param>
internal sealed record KeyEntry(string Text, bool IsPending, ActorId Id, PoolId Pool)
{
    public static KeyEntry Pending(ActorId id, PoolId pool, long now)
        => new(string.Create(CultureInfo.InvariantCulture, $"pending|{id}|{pool}|{now}"), true, id, pool);

    /// <summary>Null when there is no entry.</summary>
    /// <exception cref="StoreException">It is no entry.</exception>
    public static KeyEntry? Parse(string? text)
    {
        if (text is null)
        {
            return null;
        }

        var parts = text.Split('|');
        return parts.Length >= 3 && parts[0] is "pending" or "live" && ActorId.TryParse(parts[1], out var id) && RedisHash.ParsePool(parts[2]) is { } pool
            ? new(text, parts[0] == "pending", id, pool)
            : throw RedisHash.Unreadable("the index entry of an actor's key in Redis cannot be read");
    }
}
