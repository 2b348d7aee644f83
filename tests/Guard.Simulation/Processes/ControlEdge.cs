using Guard.Core.State.Runners;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Simulation.Model;

namespace Guard.Simulation.Processes;

/// <summary>What the control API does for runners and operators, without its HTTP: the same calls to the store in the same order. A call that
/// throws <see cref="StoreException"/> is its 503.</summary>
internal sealed class ControlEdge(World world, GuardStore store, RunnerInbox inbox, RunnerTransports runners)
{
    public async ValueTask<string> RegisterAsync(SimRunner runner)
    {
        var registered = await inbox.RegisterAsync(
            new(world.NewRunnerId(), World.Pool, runner.Host, runner.Version, new RunnerLocation.Http($"http://{runner.Host}", RunnerProtocol.Http1), world.Parameters.SlotsPerRunner),
            CancellationToken.None);
        return registered!.RunnerId;
    }

    /// <summary>Null is the answer 404: register again.</summary>
    public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId) => inbox.BeatAsync(runnerId, CancellationToken.None);

    public ValueTask<RunnerActors?> ActorsAsync(string runnerId) => store.GetActorsAsync(runnerId, CancellationToken.None);

    /// <summary>Null is the answer 404.</summary>
    public async ValueTask<RunnerEventResult?> EventAsync(string runnerId, RunnerEvent runnerEvent)
        => await inbox.ApplyAsync(runnerId, [runnerEvent], CancellationToken.None) is [var result] ? result : null;

    public ValueTask<bool> DrainRunnerAsync(string runnerId) => inbox.DrainAsync(runnerId, CancellationToken.None);

    public ValueTask<bool> DeleteRunnerAsync(string runnerId) => inbox.LeaveAsync(runnerId, CancellationToken.None);

    public async ValueTask<bool> DestroyAsync(ActorId id)
    {
        if (await store.DestroyAsync(id, CancellationToken.None) is not { } before)
        {
            return false;
        }

        if (before.Runner is { } runner)
        {
            _ = runners.StopAsync(runner, id, before.Generation, "destroy");
        }

        return true;
    }

    public async ValueTask<bool> ReportAsync(PoolError? error)
    {
        _ = error is null
            ? await store.ReportSuccessAsync(World.Pool, CancellationToken.None)
            : await store.ReportErrorAsync(World.Pool, error, CancellationToken.None);
        return true;
    }
}
