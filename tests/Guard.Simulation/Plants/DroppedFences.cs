using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Guard.Simulation.Model;

namespace Guard.Simulation.Plants;

/// <inheritdoc cref="PlantedBug.OldCommitAccepted"/>
internal sealed class OldCommitAccepted(IActorStore inner) : ActorStorePlant(inner)
{
    public override async ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
    {
        var result = await base.CommitReadyAsync(id, pool, generation, cancellationToken);
        return result.Result == TransitionResult.Stale && await GetAsync(id, cancellationToken) is { State: ActorState.Starting } actor
            ? await base.CommitReadyAsync(id, pool, actor.Generation, cancellationToken)
            : result;
    }

    public override async ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
    {
        var result = await base.ApplyEventAsync(runnerId, runnerEvent, cancellationToken);
        return result == RunnerEventResult.Stale && await GetAsync(runnerEvent.Actor, cancellationToken) is { State: ActorState.Starting } actor
            ? await base.ApplyEventAsync(actor.Runner!.RunnerId, runnerEvent with { Generation = actor.Generation }, cancellationToken)
            : result;
    }
}

/// <inheritdoc cref="PlantedBug.GenerationNotRaised"/>
internal sealed class GenerationNotRaised(StoreModel store) : ActorStorePlant(store.Actors)
{
    public override async ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var grant = await base.TryBeginStartAsync(request, cancellationToken);
        if (grant.Status != StartGrantStatus.StartingElsewhere || grant.Actor!.Starter == request.Starter)
        {
            return grant;
        }

        var runner = await store.Runners.GetAsync(grant.Actor.Runner!.RunnerId, cancellationToken);
        return new(StartGrantStatus.Granted, grant.Actor, runner);
    }
}
