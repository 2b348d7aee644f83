using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    /// <inheritdoc/>
    public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => new(Write(pool, config, replace: true));

    /// <inheritdoc/>
    public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => new(Write(pool, config, replace: false));

    /// <inheritdoc/>
    public ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken)
        => new(_pools.TryGetValue(pool, out var state) ? state.Config : null);

    /// <inheritdoc/>
    public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken)
    {
        if (!_pools.TryGetValue(pool, out var state))
        {
            return new(false);
        }

        lock (state.Gate)
        {
            if (state.Config is null)
            {
                return new(false);
            }

            state.Config = null;
        }

        feed.PublishPoolConfig(pool);
        return new(true);
    }

    /// <inheritdoc/>
    public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken)
    {
        ListCursor.CheckLimit(query.Limit);
        var after = ListCursor.ReadName(query.Cursor);
        var items = new List<PoolEntry>();
        if (!_namespaces.TryGetValue(query.Namespace, out var names))
        {
            return new(new Page<PoolEntry>(items, null));
        }

        lock (names.Gate)
        {
            // A name sorts before every longer one that begins with it: '\0' makes the lower bound exclusive.
            foreach (var name in after is null ? names.Pools : names.Pools.GetViewBetween(after + '\0', "\uffff"))
            {
                if ((query.Name is not null && name != query.Name)
                    || !_pools.TryGetValue(new(query.Namespace, name), out var state) || state.Config is not { } config)
                {
                    continue;
                }

                if (items.Count == query.Limit)
                {
                    return new(new Page<PoolEntry>(items, ListCursor.After(items[^1].Pool.Name)));
                }

                items.Add(new(state.Id, config));
            }
        }

        return new(new Page<PoolEntry>(items, null));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => new([.. _namespaces.Keys]);

    /// <inheritdoc/>
    public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken)
        => new(_namespaces.ContainsKey(@namespace));

    /// <summary>True when the endpoint part is new or changed.</summary>
    private bool Write(PoolId pool, PoolConfig config, bool replace)
    {
        // What has been named by a runner-config stays known: namespaces exist for good, and pools are few.
        var names = _namespaces.GetOrAdd(pool.Namespace, static (_, store) => new(store._actors, store._runners), this);
        bool changed;
        lock (names.Gate)
        {
            var state = _pools.GetOrAdd(pool, static (id, names) => new(id, names), names);
            names.Pools.Add(pool.Name);
            lock (state.Gate)
            {
                if (state.Config is not null && !replace)
                {
                    return false;
                }

                changed = state.Config is not { } before || !SameEndpoint(before.Serverless, config.Serverless);
                state.Config = config;
            }
        }

        feed.PublishPoolConfig(pool);
        return changed;
    }

    private static bool SameEndpoint(ServerlessPoolConfig? left, ServerlessPoolConfig? right)
    {
        if (left is null || right is null)
        {
            return left is null && right is null;
        }

        // Header names are compared as HTTP does.
        var headers = new Dictionary<string, string>(left.Headers, StringComparer.OrdinalIgnoreCase);
        return left.Url == right.Url
            && left.Headers.Count == right.Headers.Count
            && right.Headers.All(h => headers.TryGetValue(h.Key, out var value) && value == h.Value);
    }
}
