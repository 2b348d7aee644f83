using Guard.Model.Ids;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>
/// The name of every key and channel in Redis; docs/redis.md says what each holds. What belongs to one pool has the pool as hash tag, so
/// that one script may touch it all, also on a cluster. Each index key stands in a slot of its own, a namespace's lists in one together.
/// </summary>
/// <param name="prefix"><c>Store:Redis:KeyPrefix</c>.</param>
/// <param name="format"><c>Store:Redis:Format</c>: see <see cref="FormatCheck"/>.</param>
internal sealed class RedisKeys(string prefix, int format = FormatCheck.Oldest)
{
    public string Prefix => prefix;

    /// <summary>How records are written.</summary>
    public int Format => format;

    /// <summary>What the keys of a pool begin with: scripts append the rest.</summary>
    public RedisKey Pool(PoolId pool) => $"{prefix}:{{{pool.Namespace}/{pool.Name}}}:";

    /// <summary>The pool of an actor: <c>namespace/pool</c>.</summary>
    public RedisKey ActorPool(ActorId id) => $"{prefix}:actor:{id}";

    /// <summary>The pool of a runner: <c>namespace/pool</c>.</summary>
    public RedisKey RunnerPool(string runnerId) => $"{prefix}:runner:{runnerId}";

    /// <summary>Which actor has a key: <c>pending|id|pool</c> or <c>live|id|pool</c>.</summary>
    public RedisKey ActorKey(string @namespace, string name, string key) => $"{prefix}:key:{@namespace}/{name}/{key}";

    /// <summary>What a namespace's lists begin with.</summary>
    public RedisKey Namespace(string @namespace) => $"{prefix}:{{{@namespace}}}:";

    /// <summary>The set of all namespaces.</summary>
    public RedisKey Namespaces => format == FormatCheck.Oldest ? OldNamespaces : $"{prefix}:spaces";

    /// <summary>The namespaces of a store of format 1; a text for builds that know no other in those of later ones.</summary>
    public RedisKey OldNamespaces => $"{prefix}:namespaces";

    /// <summary>The store's format.</summary>
    public RedisKey FormatKey => $"{prefix}:format";

    /// <summary>Which Guard keeps which partition of the pools.</summary>
    public RedisKey Leases => $"{prefix}:leases";

    /// <summary>Exists while a Guard lives.</summary>
    public RedisKey Alive(string guardId) => $"{prefix}:alive:{guardId}";

    /// <summary>Changes of actors, capacity and runner-configs.</summary>
    public RedisChannel Events => RedisChannel.Literal($"{prefix}:events");

    /// <summary>Changes of pool health.</summary>
    public RedisChannel Health => RedisChannel.Literal($"{prefix}:health");
}
