using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Runners;
using Guard.Core.Transport;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Actors;

/// <summary>What every wake of this Guard works with.</summary>
/// <param name="Random">Draws the jitter between two tries; thread-safe.</param>
internal sealed record WakeServices(
    IActorStore Actors,
    RunnerTransports Runners,
    SuspectRunners Suspects,
    GuardIdentity Identity,
    StarterLiveness Liveness,
    LiveOptions Options,
    GuardMetrics Metrics,
    TimeProvider Time,
    Random Random,
    ILogger<ActorStarter> Logger);
