using Guard.Core.Actors;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Pools;
using Guard.Core.Routing;
using Guard.Core.Serverless;
using Guard.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Readiness;

/// <summary>What every wait of this Guard works with.</summary>
internal sealed record WaitServices(
    IActorStore Actors,
    ActorStarter Starter,
    RouteCache Routes,
    PoolHealthTracker Health,
    PoolHealthWatchers Watchers,
    ProbeGate Probes,
    ConnectOutlook Connects,
    GuardIdentity Identity,
    StarterLiveness Liveness,
    LiveOptions Options,
    GuardMetrics Metrics,
    TimeProvider Time,
    ILogger<ActorWait> Logger);
