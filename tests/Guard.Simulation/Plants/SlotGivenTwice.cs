using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Guard.Simulation.Model;

namespace Guard.Simulation.Plants;

/// <inheritdoc cref="PlantedBug.SlotGivenTwice"/>
internal sealed class SlotGivenTwice(StoreModel store) : ActorStorePlant(store.Actors)
{
    public override async ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
    {
        var before = await GetAsync(id, cancellationToken);
        var result = await base.CommitStartFailedAsync(id, pool, generation, error, final, cancellationToken);
        if (result == TransitionResult.Ok && before is { Runner: { } address }
            && await store.Runners.GetAsync(address.RunnerId, cancellationToken) is { StopTs: 0 } runner)
        {
            // The store counts free slots by what is taken of the total: one more in all is one more free.
            await store.Runners.RegisterAsync(
                new(runner.RunnerId, pool, runner.Key, runner.Version, address.Location, runner.TotalSlots + 1), cancellationToken);
        }

        return result;
    }
}
