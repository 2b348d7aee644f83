using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Simulation.Model;

namespace Guard.Simulation.Plants;

/// <summary>A sweep that does not find the restarts that are due of actors that rest in one state: crashed, or asleep after a drain.</summary>
internal sealed class RestartForgotten(StoreModel store, ActorState state) : IPoolUpkeepStore
{
    private readonly IPoolUpkeepStore _inner = store.Upkeep;

    public async ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        if (await _inner.SweepAsync(terms, cancellationToken) is not { } sweep)
        {
            return null;
        }

        var due = new List<ActorId>();
        foreach (var id in sweep.DueRestarts)
        {
            if ((await store.Actors.GetAsync(id, cancellationToken))!.State != state)
            {
                due.Add(id);
            }
        }

        return sweep with { DueRestarts = due };
    }

    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken) => _inner.ListPoolsAsync(cancellationToken);

    public ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken)
        => _inner.LeaseAsync(terms, cancellationToken);

    public ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken) => _inner.ReleaseAsync(guardId, cancellationToken);

    public ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
        => _inner.GetSilencesAsync(pools, cancellationToken);

    public ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken)
        => _inner.PurgeAsync(pool, lease, cancellationToken);

    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken) => _inner.EvictAsync(terms, cancellationToken);

    public ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
        => _inner.TellConnectAsync(pool, failure, wait, cancellationToken);

    public ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken) => _inner.TellActorAsync(actor, cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken)
        => _inner.ListStoppingAsync(pool, cancellationToken);
}
