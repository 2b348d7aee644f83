using Guard.Core.Pools;
using Guard.Core.Runners;

namespace Guard.Core.Storage.Redis;

/// <summary>A runner's record as the hash that scripts keep; its fields are listed in <c>Scripts/runner.lua</c>.</summary>
internal static class RunnerHash
{
    public static RunnerRecord Read(string id, PoolId pool, RedisHash hash) => new()
    {
        Address = new(id, hash.Text("ep") ?? throw new FormatException("a runner's record in Redis has no endpoint"), (RunnerProtocol)hash.Number("pr")),
        Pool = pool,
        Key = hash.Text("k") ?? "",
        Version = (int)hash.Number("v"),
        TotalSlots = (int)hash.Number("t"),
        RemainingSlots = (int)hash.Number("rem"),
        ActorsVersion = hash.Number("av"),
        IsStatic = hash.Has("stc"),
        CreateTs = hash.Number("c"),
        DrainTs = hash.Number("dr"),
        StopTs = hash.Number("stp"),
        LastPingTs = hash.Number("p"),
    };
}
