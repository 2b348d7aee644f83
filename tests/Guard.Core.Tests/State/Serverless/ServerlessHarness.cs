using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Core.State.Upkeep;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>
/// What manages a serverless pool, over the Memory store, with a clock that tests move and an endpoint that they script. The keeper's part is
/// the test's: <see cref="LookAsync"/>. Further Guards on the same store come from <see cref="AddGuard"/>.
/// </summary>
internal sealed class ServerlessHarness
{
    public static readonly PoolId Pool = new("ns", "fn");

    public static readonly ServerlessPoolConfig Endpoint = new() { Url = "http://fn.test", RequestLifespan = 3600, SlotsPerRunner = 10 };

    private readonly StoreLink _link;

    public ServerlessHarness(ServerlessHarness? other = null)
    {
        Time = other?.Time ?? new FakeTimeProvider();
        Live = other?.Live ?? new LiveOptions(new GuardOptions());
        Feed = other?.Feed ?? new MemoryChangeFeed(new TestLog<MemoryChangeFeed>());
        Health = other?.Health ?? new CountingHealthStore(new MemoryPoolHealthStore(Time, Live.StoreRules, Feed.PublishPoolHealth));
        Store = other?.Store ?? new MemoryStore(Feed, Health.CountSuccess, Live.StoreRules, Time, new Random(1));
        LivenessStore = other?.LivenessStore ?? new MemoryGuardLiveness(Time);
        Endpoints = other?.Endpoints ?? new ScriptedEndpoint();
        _link = new StoreLink(Time);
        Identity = GuardIdentity.New();
        Metrics = new GuardMetrics(Live);
        Liveness = new StarterLiveness(new LinkedLiveness(LivenessStore, _link), Identity, Metrics, Time, new TestLog<StarterLiveness>());
        Attention = new PoolAttention(Time);
        var inbox = new RunnerInbox(Store, Store, new SuspectRunners(Time), Metrics, new TestLog<RunnerInbox>());
        Streams = new ServerlessStreams(Store, inbox, Attention, Identity, Live, Metrics, Time, new TestLog<ServerlessStreams>());
        var connects = new ServerlessConnects(
            Endpoints.ConnectAsync, Streams, new ConnectReports(Store, Health, Streams, Metrics, Log), Health, Attention, Live, Time, new Random(2), Log);
        Job = new ScaleServerless(
            connects, Streams, Store, new MetadataPoller(Endpoints.ReadMetadataAsync, Time, Metadata), Liveness, Attention, Metrics, Log);
        Feed.Subscribe(Attention);
        _ = Liveness.RunAsync(Stopped.Token);
        _ = Streams.RunAsync(Stopped.Token);
    }

    public FakeTimeProvider Time { get; }

    public LiveOptions Live { get; }

    public MemoryChangeFeed Feed { get; }

    public CountingHealthStore Health { get; }

    public MemoryStore Store { get; }

    public MemoryGuardLiveness LivenessStore { get; }

    public ScriptedEndpoint Endpoints { get; }

    public GuardIdentity Identity { get; }

    public GuardMetrics Metrics { get; }

    public StarterLiveness Liveness { get; }

    public PoolAttention Attention { get; }

    public ServerlessStreams Streams { get; }

    public ScaleServerless Job { get; }

    public TestLog<ScaleServerless> Log { get; } = new();

    public TestLog<MetadataPoller> Metadata { get; } = new();

    public CancellationTokenSource Stopped { get; } = new();

    /// <summary>Of the last look.</summary>
    public UpkeepLease Lease { get; private set; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Another Guard: the same store, clock, options and endpoint.</summary>
    public ServerlessHarness AddGuard() => new(this);

    public async Task<ServerlessHarness> WithPoolAsync(ServerlessPoolConfig? endpoint = null, int grace = 600)
    {
        await Store.PutAsync(Pool, new PoolConfig { Serverless = endpoint ?? Endpoint, DrainGracePeriod = grace }, Ct);
        return this;
    }

    /// <summary>Sweeps the pool and acts on it, if this Guard gets the lease.</summary>
    public async Task<PoolSweep?> LookAsync()
    {
        var leases = await Store.LeaseAsync(new(Identity.Id, PoolKeepers.LeaseTtl), Ct);
        var held = leases.FirstOrDefault(l => l.Partition == UpkeepPartition.Of(Pool));
        Lease = new(Identity.Id, held.Epoch);
        var sweep = held.Epoch == 0 ? null : await Store.SweepAsync(new(Pool, Lease, TimeSpan.MaxValue), Ct);
        if (sweep is null)
        {
            Job.Lost(Pool);
        }
        else
        {
            await Job.RunAsync(new PoolLook(Pool, Lease, sweep, new EvictionPace(), TimeSpan.FromSeconds(1)), Ct);
        }

        return sweep;
    }

    /// <summary>Lets the clock run, with a look every second.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(1))
        {
            await StepAsync(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Moves the clock once, gives what it sets going a turn, and looks.</summary>
    public async Task StepAsync(TimeSpan time)
    {
        Time.Advance(time);
        await TurnAsync();
        await LookAsync();
        await TurnAsync();
    }

    /// <summary>A turn for the other tasks: 4 ms, and on a busy machine up to 20 ms more while the thread pool has work that waits.</summary>
    public static async Task TurnAsync()
    {
        await TurnAsync(4);
        var since = TimeProvider.System.GetTimestamp();
        while (ThreadPool.PendingWorkItemCount > 0 && TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMilliseconds(20))
        {
            await Task.Yield();
        }
    }

    /// <summary>A shorter turn, of so many milliseconds.</summary>
    public static async Task TurnAsync(int milliseconds)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromMilliseconds(milliseconds))
        {
            await Task.Yield();
        }
    }

    public async Task<ActorRecord> AddActorAsync(CrashPolicy crashPolicy = CrashPolicy.Sleep)
        => (await Store.CreateAsync(new NewActor(ActorId.New(1), Pool, "room", null, crashPolicy, null), Ct)).Actor!;

    public async Task<IReadOnlyList<ActorRecord>> AddActorsAsync(int count)
    {
        var actors = new List<ActorRecord>();
        for (var i = 0; i < count; i++)
        {
            actors.Add(await AddActorAsync());
        }

        return actors;
    }

    /// <summary>Asks for a slot; pending when there is none, else ready.</summary>
    public async Task<StartGrant> WantAsync(ActorRecord actor)
    {
        var grant = await Store.TryBeginStartAsync(new(actor.Id, Pool, Identity.Id, []), Ct);
        if (grant.Status == StartGrantStatus.Granted)
        {
            await Store.CommitReadyAsync(actor.Id, Pool, grant.Actor!.Generation, Ct);
        }

        return grant;
    }

    public async Task WantAsync(IEnumerable<ActorRecord> actors)
    {
        foreach (var actor in actors)
        {
            await WantAsync(actor);
        }
    }

    /// <summary>Live runners of the pool.</summary>
    public async Task<IReadOnlyList<RunnerRecord>> RunnersAsync()
        => (await Store.ListAsync(new RunnerQuery(Pool.Namespace, Pool.Name, IncludeStopped: false, 1000, null), Ct)).Items;

    public Task UntilAsync(Func<bool> condition, string what) => ReadinessHarness.UntilAsync(condition, what);

    public async Task<PoolHealthSnapshot> ReadHealthAsync() => await Health.ReadAsync(Pool, Ct);

    /// <summary>As SIGKILL: no renewal, no beat and no look any more, and its streams break.</summary>
    public void Kill()
    {
        _link.Pause();
        Stopped.Cancel();
    }
}
