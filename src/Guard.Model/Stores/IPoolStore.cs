using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Model.Stores;

/// <summary>Runner-configs, and with them namespaces. Atomic, thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IPoolStore
{
    /// <summary>Writes a runner-config; true when its endpoint part (kind, url, headers) is new or changed. Header names compare as HTTP
    /// does, without case.</summary>
    ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken);

    /// <summary>Writes a runner-config unless the pool has one; true when it did.</summary>
    ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken);

    ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>
    /// Removes a runner-config. False when there was none. Runners and actors of the pool stay until they end by themselves: no runner can
    /// register and no actor be created any more, while heartbeats and starts of those there go on.
    /// </summary>
    ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken);

    /// <summary>A page of a namespace's runner-configs, by pool name in ordinal order.</summary>
    /// <exception cref="FormatException">The cursor is not one of this list.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not 1 to 1000.</exception>
    ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken);

    /// <summary>Every namespace that exists, in no particular order.</summary>
    ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken);

    /// <summary>A namespace exists once it has, or had, a runner-config.</summary>
    ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken);
}

/// <param name="Name">Only this pool; null for all.</param>
/// <param name="Limit">1 to 1000.</param>
internal sealed record PoolQuery(string Namespace, string? Name, int Limit, string? Cursor);

internal sealed record PoolEntry(PoolId Pool, PoolConfig Config);
