using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.State.Actors;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Core.State.Upkeep;
using Guard.Core.Transport.Implicit;
using Guard.Model.Stores;
using Guard.Simulation.Engine;
using Guard.Simulation.Model;

namespace Guard.Simulation.Processes;

/// <summary>
/// One life of one Guard: the product's own parts as the host puts them together, in a simulated process. What is not the product's is the
/// way to the store, the way to runners, and the two edges that speak HTTP (<see cref="GatewayEdge"/>, <see cref="ControlEdge"/>).
/// </summary>
internal sealed class SimGuard
{
    public SimGuard(World world, int number, int life)
    {
        Number = number;
        Life = life;
        Process = world.Scheduler.NewProcess($"guard-{number}.{life}");
        Link = new StoreLink(world, Process);
        Identity = new GuardIdentity(Process.Name);
        world.Scheduler.Execute(Process, _ => Compose(world), null);
    }

    public int Number { get; }

    /// <summary>Counts restarts.</summary>
    public int Life { get; }

    public SimProcess Process { get; }

    public StoreLink Link { get; }

    public GuardIdentity Identity { get; }

    public GatewayEdge Gateway { get; private set; } = null!;

    public ControlEdge Control { get; private set; } = null!;

    public HoldLimiter Limiter { get; private set; } = null!;

    public ActorWaits Waits { get; private set; } = null!;

    public ActorStarter Starter { get; private set; } = null!;

    public RouteCache Routes { get; private set; } = null!;

    public PoolHealthTracker Tracker { get; private set; } = null!;

    private void Compose(World world)
    {
        SimLog<T> Log<T>() => new(world, Process);
        var time = Process.Time;
        var live = new LiveOptions(world.Parameters.Options);
        var metrics = world.Metrics;
        var store = new GuardStore(world, Link);
        var runners = new SimTransport(world, Process, live);
        var transports = ImplicitTransport.TableOver(runners);
        var suspects = new SuspectRunners(time);
        var random = new Random(world.Parameters.Seed + 100 + Process.Index);
        var liveness = new StarterLiveness(store, Identity, metrics, time, Log<StarterLiveness>());
        var wakes = new WakeServices(store, transports, suspects, Identity, liveness, live, metrics, time, random, Log<ActorStarter>());
        Starter = new ActorStarter(wakes);
        Routes = new RouteCache(live, metrics, Link.Contact, time);
        Tracker = new PoolHealthTracker(world.HealthOf?.Invoke(Link, store) ?? store, live, time, metrics, Log<PoolHealthTracker>());
        var settings = new PoolSettingsSource(store, live, time, Log<PoolSettingsSource>());
        var watchers = new PoolHealthWatchers(Tracker, settings, time, Log<PoolHealthWatchers>());
        var connects = new ConnectOutlook(time);
        var probes = new ProbeGate(store, connects, live, time);
        var memory = new MemoryPressure(live, metrics, static () => default, time, Log<MemoryPressure>());
        Limiter = new HoldLimiter(live, metrics, memory);
        Waits = new ActorWaits(new(Starter, Routes, Tracker, watchers, probes, connects, live, metrics, time));
        var gate = new ReadinessGate(Waits, Starter, Tracker, settings, probes, Limiter, new WakeBudget(live), live, metrics, time);
        var disowned = new DisownedActors(store, Routes, transports, Log<DisownedActors>());
        var resolver = new RouteResolver(Routes, store, store, live, metrics, time);
        var unrouted = new UnroutedHold(Limiter, Link.Contact, live, metrics, time, Log<UnroutedHold>());
        var inbox = new RunnerInbox(store, store, suspects, metrics, Log<RunnerInbox>());
        var attention = new PoolAttention(time);
        var streams = new ServerlessStreams(store, inbox, attention, Identity, live, metrics, time, Log<ServerlessStreams>());
        var opener = new ServerlessConnects(
            (_, _) => throw new NotSupportedException("no pool here is serverless"),
            streams, new ConnectReports(store, store, streams, metrics, Log<ScaleServerless>()), store, attention, live, time, random, Log<ScaleServerless>());
        var metadata = new MetadataPoller((_, _, _) => throw new NotSupportedException("no pool here is serverless"), time, Log<MetadataPoller>());
        var starts = new GiveBackStarts(wakes, Starter, store, Log<GiveBackStarts>());
        IPoolJob[] jobs =
        [
            new LoseRunners(Log<LoseRunners>()),
            new DrainVersions(inbox, live),
            new RestartActors(Starter, probes, Tracker, settings, live, Log<RestartActors>()),
            new ScaleServerless(opener, streams, store, metadata, liveness, attention, metrics, Log<ScaleServerless>()),
            new EvictActors(store, wakes, Log<EvictActors>()),
            starts,
            new PurgeTombstones(store),
        ];
        var keepers = new PoolKeepers(store, jobs, attention, Identity, live, metrics, time, Log<PoolKeepers>());

        // As the host subscribes them.
        IChangeFeed feed = Link;
        feed.Subscribe(Routes);
        feed.Subscribe(settings);
        feed.Subscribe(Tracker);
        feed.Subscribe(Starter);
        feed.Subscribe(attention);
        feed.Subscribe(starts);
        feed.Subscribe(connects);
        world.Store.Feed.Subscribe(Link);
        Tracker.Observed += health => world.Checks.HealthHeld(this, health);

        var replays = new ReplayLoop(resolver, Routes, unrouted, gate, disowned, suspects, live, metrics, time, world.Random);
        Gateway = new GatewayEdge(world, this, resolver, Routes, unrouted, gate, replays, runners);
        Control = new ControlEdge(world, store, inbox, transports);
        Process.Run(() => liveness.RunAsync(CancellationToken.None));
        Process.Run(() => keepers.RunAsync(CancellationToken.None));
        Process.Run(() => starts.RunAsync(CancellationToken.None));
        Process.Run(() => streams.RunAsync(CancellationToken.None));
    }
}
