using System.Text.Json.Serialization;
using Guard.Model.Pools;

namespace Guard.Storage.Redis;

/// <summary>What is kept in Redis as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PoolConfig))]
[JsonSerializable(typeof(PoolError))]
internal sealed partial class RedisJson : JsonSerializerContext;
