using System.Diagnostics.CodeAnalysis;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.State.Actors;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Upkeep;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Guard.Core.Transport.Implicit;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>
/// The readiness room as the host wires it, over the Memory store, with a clock that tests move and runners that they script; and, where a
/// test adds them, the rooms of further Guards on the same store.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "the source that ends the test's Guards holds nothing")]
internal sealed class ReadinessHarness
{
    public static readonly PoolId Pool = new("ns", "pool");

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stopped = new();
    private readonly bool _deaf;

    /// <param name="configure">The options.</param>
    /// <param name="deaf">No Guard hears any event.</param>
    public ReadinessHarness(Action<GuardOptions>? configure = null, bool deaf = false)
        : this(configure, deaf, null)
    {
    }

    private ReadinessHarness(Action<GuardOptions>? configure, bool deaf, ReadinessHarness? other)
    {
        _deaf = deaf;
        Time = other?.Time ?? new FakeTimeProvider();
        Runners = other?.Runners ?? new ScriptedRunners();
        Options = other?.Options ?? new GuardOptions();
        configure?.Invoke(Options);
        Live = other?.Live ?? new LiveOptions(Options);
        Metrics = new GuardMetrics(Live);
        Feed = other?.Feed ?? new MemoryChangeFeed(new TestLog<MemoryChangeFeed>());
        Health = other?.Health ?? new CountingHealthStore(new MemoryPoolHealthStore(Time, Live.StoreRules, Feed.PublishPoolHealth));
        Store = other?.Store ?? new MemoryStore(Feed, Health.CountSuccess, Live.StoreRules, Time, new Random(1));
        LivenessStore = other?.LivenessStore ?? new MemoryGuardLiveness(Time);
        Link = new StoreLink(Time);
        var actors = new LinkedActorStore(Store, Link);
        var pools = new LinkedPoolStore(Store, Link);
        var health = new LinkedHealthStore(Health, Link);
        Identity = GuardIdentity.New();
        Connects = new ConnectOutlook(Time);
        LinkedLiveness = new LinkedLiveness(LivenessStore, Link);
        Liveness = new StarterLiveness(LinkedLiveness, Identity, Metrics, Time, new TestLog<StarterLiveness>());
        var client = new RunnerClient(new HttpMessageInvoker(Runners), Live, Time, new TestLog<RunnerClient>());
        var transports = ImplicitTransport.TableOver(new HttpTransport(null!, client));
        Suspects = new SuspectRunners(Time);
        var wakes = new WakeServices(
            actors, transports, Suspects, Identity, Liveness, Live, Metrics, Time, new Random(1), new TestLog<ActorStarter>());
        Starter = new ActorStarter(wakes);
        Routes = new RouteCache(Live, Metrics, Link.Contact, Time);
        Tracker = new PoolHealthTracker(health, Live, Time, Metrics, new TestLog<PoolHealthTracker>());
        Settings = new PoolSettingsSource(pools, Live, Time, new TestLog<PoolSettingsSource>());
        var watchers = new PoolHealthWatchers(Tracker, Settings, Time, new TestLog<PoolHealthWatchers>());
        var probes = new ProbeGate(health, Connects, Live, Time);
        Restarts = new RestartActors(Starter, probes, Tracker, Settings, Live, new TestLog<RestartActors>());
        Upkeep = new LinkedUpkeepStore(Store, Link);
        var attention = new PoolAttention(Time);
        Starts = new GiveBackStarts(wakes, Starter, Upkeep, new TestLog<GiveBackStarts>());
        Keepers = new PoolKeepers(Upkeep, [Starts], attention, Identity, Live, Metrics, Time, new TestLog<PoolKeepers>());
        Memory = new MemoryPressure(Live, Metrics, () => MemoryUse, Time, new TestLog<MemoryPressure>());
        Limiter = new HoldLimiter(Live, Metrics, Memory);
        Waits = new ActorWaits(new(
            Starter, Routes, Tracker, watchers, probes, Connects, Live, Metrics, Time));
        Gate = new ReadinessGate(Waits, Starter, Tracker, Settings, probes, Limiter, new WakeBudget(Live), Live, Metrics, Time);
        Disowned = new DisownedActors(actors, Routes, transports, new TestLog<DisownedActors>());
        Resolver = new RouteResolver(Routes, actors, pools, Live, Metrics, Time);
        Unrouted = new UnroutedHold(Limiter, Link.Contact, Live, Metrics, Time, new TestLog<UnroutedHold>());
        Replays = new ReplayLoop(Resolver, Routes, Unrouted, Gate, Disowned, Suspects, Live, Metrics, Time, new Random(1));
        foreach (var sink in deaf ? Array.Empty<IChangeSink>() : [Routes, Settings, Tracker, Connects, Starter, attention, Starts])
        {
            Feed.Subscribe(sink);
        }
    }

    public FakeTimeProvider Time { get; }

    /// <summary>What <see cref="Memory"/> reads.</summary>
    public MemoryUse MemoryUse { get; set; }

    /// <summary>Looks only when told to.</summary>
    public MemoryPressure Memory { get; }

    public GuardOptions Options { get; }

    public LiveOptions Live { get; }

    public GuardMetrics Metrics { get; }

    /// <summary>Of all Guards.</summary>
    public ScriptedRunners Runners { get; }

    public MemoryChangeFeed Feed { get; }

    /// <summary>The store itself, past every Guard's <see cref="Link"/>.</summary>
    public MemoryStore Store { get; }

    public CountingHealthStore Health { get; }

    public MemoryGuardLiveness LivenessStore { get; }

    /// <summary>This Guard's way to the store.</summary>
    public StoreLink Link { get; }

    public GuardIdentity Identity { get; }

    public LinkedLiveness LinkedLiveness { get; }

    public StarterLiveness Liveness { get; }

    public ConnectOutlook Connects { get; }

    public SuspectRunners Suspects { get; }

    public ActorStarter Starter { get; }

    /// <summary>This Guard's way to what keepers need.</summary>
    public LinkedUpkeepStore Upkeep { get; }

    /// <summary>Runs only where asked.</summary>
    public RestartActors Restarts { get; }

    public GiveBackStarts Starts { get; }

    /// <summary>With the job <see cref="Starts"/>.</summary>
    public PoolKeepers Keepers { get; }

    public RouteCache Routes { get; }

    public PoolHealthTracker Tracker { get; }

    public PoolSettingsSource Settings { get; }

    public HoldLimiter Limiter { get; }

    public ActorWaits Waits { get; }

    public ReadinessGate Gate { get; }

    public DisownedActors Disowned { get; }

    public RouteResolver Resolver { get; }

    public UnroutedHold Unrouted { get; }

    public ReplayLoop Replays { get; }

    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    /// <summary>Another Guard: the same store, clock, options and runners.</summary>
    public ReadinessHarness AddGuard() => new(null, _deaf, this);

    /// <summary>Begins the Guard's renewals, and its sweep where asked; ended by <see cref="Kill"/>.</summary>
    public ReadinessHarness Started(bool sweep = false)
    {
        _ = Liveness.RunAsync(_stopped.Token);
        if (sweep)
        {
            _ = Keepers.RunAsync(_stopped.Token);
            _ = Starts.RunAsync(_stopped.Token);
        }

        return this;
    }

    /// <summary>As SIGKILL: no renewal any more, and no call that is under way comes back.</summary>
    public void Kill()
    {
        Link.Pause();
        _stopped.Cancel();
    }

    public async Task<ReadinessHarness> WithPoolAsync(PoolGuardOverrides? overrides = null)
    {
        await Store.PutAsync(Pool, new PoolConfig { Guard = overrides }, TestToken);
        return this;
    }

    /// <summary>Registers a runner that never misses a heartbeat, at <c>http://{host}</c>.</summary>
    public async Task<RunnerRecord> AddRunnerAsync(string host, int slots = 10)
        => (await Store.RegisterAsync(
            new NewRunner(ActorId.New(1).ToString(), Pool, host, 1, new RunnerLocation.Http($"http://{host}", RunnerProtocol.Http1), slots, IsStatic: true), TestToken))!.Runner;

    public async Task<ActorRoute> AddActorAsync(string key, CrashPolicy crashPolicy = CrashPolicy.Sleep)
    {
        var created = await Store.CreateAsync(new NewActor(ActorId.New(1), Pool, "counter", key, crashPolicy, null), TestToken);
        return ActorRoute.From(created.Actor!);
    }

    public async Task<ActorRecord> ReadAsync(ActorRoute route) => (await Store.GetAsync(route.Id, TestToken))!;

    /// <summary>The deadline of a request that arrives now.</summary>
    public Deadline Arriving() => new(Time.GetTimestamp(), Live.Current.Readiness.Timeout);

    public Task<HoldResult> Hold(ActorRoute route, bool skipReadyWait = false)
        => Gate.HoldAsync(route, Arriving(), skipReadyWait, null, CancellationToken.None);

    /// <summary>A hold of a client that may leave.</summary>
    public Task<HoldResult> HoldOf(CancellationTokenSource client, ActorRoute route)
        => Gate.HoldAsync(route, Arriving(), false, null, client.Token);

    /// <summary>Gives the other tasks the processor until the condition holds; fails the test after a minute of real time.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMinutes(1), $"never happened: {what}");
            await Task.Yield();
        }
    }

    public Task UntilHeldAsync(ActorRoute route, int count) => UntilAsync(() => Waits.CountOf(route.Id) == count, $"{count} held");

    /// <summary>Gives the other tasks a turn, or until the task has ended: a few milliseconds, and, on a machine so busy that nobody ran in them,
    /// as many times to the end of the thread pool's queue and back as the longest chain of continuations has links.</summary>
    public static async Task SettleAsync(Task task)
    {
        var since = TimeProvider.System.GetTimestamp();
        for (var turns = 0; !task.IsCompleted && (turns < 50 || TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMilliseconds(4)); turns++)
        {
            await Task.Run(static () => { });
            await Task.Yield();
        }
    }

    /// <summary>Moves the clock in small steps, each with a turn for what it set going.</summary>
    public async Task AdvanceAsync(TimeSpan time, TimeSpan? step = null)
    {
        var by = step ?? TimeSpan.FromMilliseconds(100);
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var moved = TimeSpan.Zero; moved < time; moved += by)
        {
            await SettleAsync(never.Task);
            Time.Advance(by);
        }

        await SettleAsync(never.Task);
    }

    /// <summary>Moves the clock in small steps until the task has ended, and returns how far it moved.</summary>
    public async Task<TimeSpan> AdvanceUntilDoneAsync(Task task, TimeSpan? step = null, TimeSpan? most = null)
    {
        var by = step ?? Step;
        var limit = most ?? TimeSpan.FromSeconds(120);
        var moved = TimeSpan.Zero;
        while (true)
        {
            // What the last step set going gets its turn. Too short a turn only makes the time measured longer, never shorter: lower
            // bounds are exact, upper bounds leave room.
            await SettleAsync(task);
            if (task.IsCompleted)
            {
                return moved;
            }

            if (moved >= limit)
            {
                // The clock stands still from here on: what ends now needed no more of it, only a processor on a busy machine.
                await UntilAsync(() => task.IsCompleted, $"done after {limit} of virtual time");
                return moved;
            }

            Time.Advance(by);
            moved += by;
        }
    }
}
