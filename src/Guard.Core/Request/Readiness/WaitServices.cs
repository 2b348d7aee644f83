using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.State.Actors;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Readiness;

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
