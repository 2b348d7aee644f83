using Guard.Core.Pools;

namespace Guard.Core.Storage;

/// <summary>Runner-configs, and with them namespaces. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IPoolStore
{
    /// <summary>Writes a runner-config; true when its endpoint part (kind, url, headers) is new or changed.</summary>
    ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken);

    ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>Removes a runner-config. False when there was none. Runners and actors of the pool stay until they end by themselves.</summary>
    ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken);

    ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken);

    /// <summary>Every namespace that exists, in no particular order.</summary>
    ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken);

    /// <summary>A namespace exists once it has had a runner-config.</summary>
    ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken);
}

internal sealed record PoolQuery(string Namespace, string? Name, int Limit, string? Cursor);

internal sealed record PoolEntry(PoolId Pool, PoolConfig Config);
