using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Tests.Support;

/// <summary>An operator who writes the runner-config of each pool right after the first look at it, and before the first write.</summary>
internal sealed class RacingPools(IPoolStore store, PoolConfig theirs) : IPoolStore
{
    private readonly HashSet<PoolId> _raced = [];
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody else has written, or tried to.</summary>
    public Task Written => _written.Task;

    public async ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var seen = await store.GetAsync(pool, cancellationToken);
        await RaceAsync(pool, cancellationToken);
        return seen;
    }

    public async ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
    {
        await RaceAsync(pool, cancellationToken);
        var added = await store.AddAsync(pool, config, cancellationToken);
        _written.TrySetResult();
        return added;
    }

    public async ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
    {
        await RaceAsync(pool, cancellationToken);
        var changed = await store.PutAsync(pool, config, cancellationToken);
        _written.TrySetResult();
        return changed;
    }

    public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken) => store.DeleteAsync(pool, cancellationToken);

    public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken) => store.ListAsync(query, cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => store.ListNamespacesAsync(cancellationToken);

    public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken)
        => store.NamespaceExistsAsync(@namespace, cancellationToken);

    private async ValueTask RaceAsync(PoolId pool, CancellationToken cancellationToken)
    {
        if (_raced.Add(pool))
        {
            await store.PutAsync(pool, theirs, cancellationToken);
        }
    }
}
