using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Runners;
using Guard.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Actors;

/// <summary>What every wake of this Guard works with.</summary>
internal sealed record WakeServices(
    IActorStore Actors,
    RunnerClient Runners,
    SuspectRunners Suspects,
    GuardIdentity Identity,
    LiveOptions Options,
    GuardMetrics Metrics,
    TimeProvider Time,
    ILogger<ActorStarter> Logger);
