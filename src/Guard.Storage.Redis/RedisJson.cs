using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Redis;

/// <summary>What is kept in Redis as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PoolConfig))]
[JsonSerializable(typeof(PoolError))]
internal sealed partial class RedisJson : JsonSerializerContext
{
    /// <exception cref="StoreException">It is no runner-config, or one that this Guard cannot read.</exception>
    public static PoolConfig ReadConfig(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Default.PoolConfig) ?? throw RedisHash.Unreadable("a runner-config in Redis is null");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw RedisHash.Unreadable("a runner-config in Redis cannot be read", e);
        }
    }

    /// <exception cref="StoreException">It is no pool error.</exception>
    public static PoolError ReadError(ReadOnlySpan<byte> json)
    {
        try
        {
            return PoolErrorJsonConverter.ReadKept(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw RedisHash.Unreadable("a pool error in Redis cannot be read", e);
        }
    }
}
