using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Simulation.Plants;

/// <summary>The store's actors, for a plant to change one call of.</summary>
internal abstract class ActorStorePlant(IActorStore inner) : IActorStore
{
    public ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken) => inner.GetAsync(id, cancellationToken);

    public ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken) => inner.GetAsync(id, pool, cancellationToken);

    public ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
        => inner.FindAsync(@namespace, name, key, cancellationToken);

    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken) => inner.CreateAsync(actor, cancellationToken);

    public ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken) => inner.ListAsync(query, cancellationToken);

    public virtual ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
        => inner.TryBeginStartAsync(request, cancellationToken);

    public ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken)
        => inner.RenewPendingAsync(pool, ids, cancellationToken);

    public virtual ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => inner.CommitReadyAsync(id, pool, generation, cancellationToken);

    public virtual ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
        => inner.CommitStartFailedAsync(id, pool, generation, error, final, cancellationToken);

    public ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => inner.CommitDisownedAsync(id, pool, generation, cancellationToken);

    public ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => inner.CommitStoppedAsync(id, pool, generation, cancellationToken);

    public virtual ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
        => inner.ApplyEventAsync(runnerId, runnerEvent, cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
        => inner.ListStartingAsync(pool, olderThan, cancellationToken);

    public ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken) => inner.DestroyAsync(id, cancellationToken);
}
