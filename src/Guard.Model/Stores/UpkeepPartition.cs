using Guard.Model.Ids;

namespace Guard.Model.Stores;

/// <summary>Pools are leased by partition, so that a lease costs the same however many pools there are.</summary>
internal static class UpkeepPartition
{
    /// <summary>The number of partitions. Every Guard of a store must use the same; more Guards than this leave some without pools.</summary>
    public const int Count = 64;

    /// <summary>0 to <see cref="Count"/> - 1; the same in every process (FNV-1a of the name).</summary>
    public static int Of(PoolId pool)
    {
        var hash = Add(Add(Add(2166136261, pool.Namespace), "/"), pool.Name);
        return (int)((hash ^ (hash >> 16)) % Count);
    }

    private static uint Add(uint hash, string text)
    {
        foreach (var c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }
}
