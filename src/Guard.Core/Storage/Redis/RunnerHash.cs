using Guard.Core.Pools;
using Guard.Core.Runners;
using StackExchange.Redis;

namespace Guard.Core.Storage.Redis;

/// <summary>A runner's record as the hash that scripts keep; its fields are listed in <c>Scripts/runner.lua</c>.</summary>
internal static class RunnerHash
{
    public static RunnerRecord Read(string id, PoolId pool, RedisHash hash) => new()
    {
        Address = new(id, hash.Text("ep") ?? throw new FormatException("a runner's record in Redis has no endpoint"), (RunnerProtocol)hash.Number("pr"), IsImplicit: hash.Has("im")),
        Pool = pool,
        Key = hash.Text("k") ?? "",
        Version = (int)hash.Number("v"),
        TotalSlots = (int)hash.Number("t"),
        RemainingSlots = (int)hash.Number("rem"),
        ActorsVersion = hash.Number("av"),
        IsStatic = hash.Has("stc"),
        CreateTs = hash.Number("c"),
        DrainRequestTs = hash.Number("dr"),
        VersionDrainTs = hash.Number("vd"),
        StopTs = hash.Number("stp"),
        LastPingTs = hash.Number("p"),
    };

    /// <summary>A script's list of pairs of id and record.</summary>
    public static IReadOnlyList<RunnerRecord> ReadAll(PoolId pool, RedisResult pairs)
    {
        var runners = new List<RunnerRecord>(pairs.Length / 2);
        for (var i = 0; i + 1 < pairs.Length; i += 2)
        {
            if (RedisHash.From(pairs[i + 1]) is { } hash)
            {
                runners.Add(Read((string)pairs[i]!, pool, hash));
            }
        }

        return runners;
    }
}
