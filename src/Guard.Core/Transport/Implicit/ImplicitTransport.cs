using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport.Implicit;

/// <summary>Runners without start and stop calls, reached for requests as another transport reaches its own: an actor is ready as soon as it
/// has a slot, and has stopped as soon as it is told to. Thread-safe.</summary>
internal sealed class ImplicitTransport(IRunnerTransport http) : IRunnerTransport
{
    /// <summary>All transports of this build.</summary>
    /// <param name="http">Reaches runners that listen.</param>
    public static RunnerTransports TableOver(IRunnerTransport http)
        => new((typeof(RunnerLocation.Http), http), (typeof(RunnerLocation.Implicit), new ImplicitTransport(http)));

    public bool Admits(RunnerAddress runner, string target) => http.Admits(runner, target);

    public RunnerExchange Begin(HttpContext context, ActorRoute route, string target, ReplayableBody? body) => http.Begin(context, route, target, body);

    public ValueTask<ForwardOutcome> UpgradeAsync(HttpContext context, ActorRoute route, string target) => http.UpgradeAsync(context, route, target);

    public Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner) => Task.FromResult(new StartResult(StartReply.Ready, "implicit"));

    public Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason) => Task.FromResult(StopReply.Stopped);
}
