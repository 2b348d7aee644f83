using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport.Http;

/// <summary>Runners that listen: Guard connects to their URLs. Thread-safe.</summary>
internal sealed class HttpTransport(ActorForwarder forwarder, RunnerClient client) : IRunnerTransport
{
    /// <summary>Above the actor's own root stands the URL's path, and beside that Guard's channel.</summary>
    public bool Admits(RunnerAddress runner, string target) => !HttpLocations.Of(runner).HasBasePath || !GuardChannelPath.ClimbsOut(PathOf(target));

    public RunnerExchange Begin(HttpContext context, ActorRoute route, string target, ReplayableBody? body) => forwarder.Begin(context, route, target, body);

    public ValueTask<ForwardOutcome> UpgradeAsync(HttpContext context, ActorRoute route, string target) => forwarder.ForwardWebSocketAsync(context, route, target);

    public Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner) => client.StartAsync(actor, runner);

    public Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason) => client.StopAsync(runner, actor, generation, reason);

    private static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target.AsSpan(0, query);
    }
}
