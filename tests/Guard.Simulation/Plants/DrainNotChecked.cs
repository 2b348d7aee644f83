using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Simulation.Model;

namespace Guard.Simulation.Plants;

/// <inheritdoc cref="PlantedBug.DrainNotChecked"/>
internal sealed class DrainNotChecked(StoreModel store, SimParameters parameters) : ActorStorePlant(store.Actors)
{
    /// <summary>A registration is what makes the store count the drains of a pool anew, and this one takes no actor.</summary>
    private static readonly NewRunner NoRunner = new("plant", World.Pool, "plant", 0, new RunnerLocation.Http("http://plant", RunnerProtocol.Http1), 0, IsStatic: true);

    public override async ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
    {
        // For one moment nothing drains by version, and the runner is chosen then.
        await DrainAsync(false, cancellationToken);
        var grant = await base.TryBeginStartAsync(request, cancellationToken);
        await DrainAsync(parameters.Pool.DrainOnVersionUpgrade, cancellationToken);
        return grant;
    }

    private async ValueTask DrainAsync(bool isOn, CancellationToken cancellationToken)
    {
        await store.Pools.PutAsync(World.Pool, parameters.Pool with { DrainOnVersionUpgrade = isOn }, cancellationToken);
        await store.Runners.RegisterAsync(NoRunner, cancellationToken);
    }
}
