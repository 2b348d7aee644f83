using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.State.Actors;
using Guard.Core.State.Pools;

namespace Guard.Core.Request.Readiness;

/// <summary>What every wait of this Guard works with.</summary>
internal sealed record WaitServices(
    ActorStarter Starter,
    RouteCache Routes,
    PoolHealthTracker Health,
    PoolHealthWatchers Watchers,
    ProbeGate Probes,
    ConnectOutlook Connects,
    LiveOptions Options,
    GuardMetrics Metrics,
    TimeProvider Time);
