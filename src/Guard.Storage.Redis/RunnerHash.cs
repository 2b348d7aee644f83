using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Redis;

/// <summary>A runner's record as the hash that scripts keep; its fields are listed in <c>Scripts/runner.lua</c>.</summary>
internal static class RunnerHash
{
    public static RunnerRecord Read(string id, PoolId pool, RedisHash hash) => new()
    {
        Address = new(id, LocationFields.ReadOfRunner(hash)),
        Pool = pool,
        Key = hash.Text("k") ?? "",
        Version = (int)hash.Number("v"),
        TotalSlots = (int)hash.Number("t"),
        RemainingSlots = (int)hash.Number("rem"),
        ActorsVersion = hash.Number("av"),
        IsStatic = hash.Has("stc"),
        Stream = hash.Text("ow") is { } owner
            ? new(owner, hash.Text("tm") ?? "", TimeSpan.FromMilliseconds(hash.Number("c") - hash.Number("op")), hash.Has("lv"))
            : null,
        CreateTs = hash.Number("c"),
        DrainRequestTs = hash.Number("dr"),
        VersionDrainTs = hash.Number("vd"),
        StopTs = hash.Number("stp"),
        LastPingTs = hash.Number("p"),
    };

    /// <summary>The nine values of each runner whose life is a stream, as <c>pool_sweep</c> gives them.</summary>
    public static IReadOnlyList<StreamRunner> ReadStreams(RedisReply values)
    {
        const int Fields = 9;
        var streams = new StreamRunner[values.Length / Fields];
        for (var i = 0; i < streams.Length; i++)
        {
            var at = i * Fields;
            streams[i] = new(
                values[at].Text,
                values[at + 1].Text,
                values[at + 2].Text,
                (int)values[at + 3],
                (int)values[at + 4],
                (int)values[at + 5],
                TimeSpan.FromMilliseconds((long)values[at + 6]),
                (int)values[at + 7] == 1,
                (int)values[at + 8] == 1);
        }

        return streams;
    }

    /// <summary>A script's list of pairs of id and record.</summary>
    public static IReadOnlyList<RunnerRecord> ReadAll(PoolId pool, RedisReply pairs)
    {
        var runners = new List<RunnerRecord>(pairs.Length / 2);
        for (var i = 0; i + 1 < pairs.Length; i += 2)
        {
            if (RedisHash.From(pairs[i + 1]) is { } hash)
            {
                runners.Add(Read(pairs[i].Text, pool, hash));
            }
        }

        return runners;
    }
}
