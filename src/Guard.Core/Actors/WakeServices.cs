using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Runners;
using Guard.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Actors;

/// <summary>What every wake of this Guard works with.</summary>
/// <param name="Random">Draws the jitter between two tries; thread-safe.</param>
internal sealed record WakeServices(
    IActorStore Actors,
    RunnerClient Runners,
    SuspectRunners Suspects,
    GuardIdentity Identity,
    StarterLiveness Liveness,
    LiveOptions Options,
    GuardMetrics Metrics,
    TimeProvider Time,
    Random Random,
    ILogger<ActorStarter> Logger);
