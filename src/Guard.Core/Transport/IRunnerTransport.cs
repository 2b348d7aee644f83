using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport;

/// <summary>
/// How runners of one kind of location are reached. Each result says by itself whether the runner was reached: no exception has to be read.
/// Thread-safe.
/// </summary>
internal interface IRunnerTransport
{
    /// <summary>Whether a request for this target may go to the runner: it could not get beside the actor there. Neither allocates nor blocks.</summary>
    /// <param name="runner">The actor's.</param>
    /// <param name="target">Path and query as the actor sees them, byte for byte.</param>
    bool Admits(RunnerAddress runner, string target);

    /// <summary>Begins one try of an ordinary request.</summary>
    /// <param name="context">The client's request; its response must not have started. CORS headers are on it already.</param>
    /// <param name="route">Must have a runner.</param>
    /// <param name="target">Admitted there: see <see cref="Admits"/>.</param>
    /// <param name="body">The request's body; null when it has none. Rewound here.</param>
    RunnerExchange Begin(HttpContext context, ActorRoute route, string target, ReplayableBody? body);

    /// <summary>Forwards a WebSocket handshake, and the connection it becomes. Expected failures are never thrown.</summary>
    /// <param name="context">As for <see cref="Begin"/>, like the rest.</param>
    ValueTask<ForwardOutcome> UpgradeAsync(HttpContext context, ActorRoute route, string target);

    /// <summary>Asks the runner to start the actor's current generation. Bounded by <c>Runners:StartTimeout</c>; never throws.</summary>
    Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner);

    /// <summary>Tells the runner to stop a generation. Bounded by <c>Runners:StartTimeout</c>; never throws.</summary>
    /// <param name="reason"><c>sleep</c>, <c>destroy</c>, <c>drain</c> or <c>stale</c>.</param>
    Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason);
}
