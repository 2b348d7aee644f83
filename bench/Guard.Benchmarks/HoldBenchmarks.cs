using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.State.Actors;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Guard.Core.Transport.Implicit;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>A request that joins a wait others are in, and leaves it again; the bare limiter is the baseline. The actor's pool has no runner,
/// so the wait stays open.</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "A source that holds nothing")]
public class HoldBenchmarks
{
    private ReadinessGate _gate = null!;
    private HoldLimiter _limiter = null!;
    private ActorRoute _route = null!;
    private CancellationTokenSource _leaves = null!;
    private Task _stays = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        var time = TimeProvider.System;
        var live = new LiveOptions(new GuardOptions { Readiness = new() { Timeout = TimeSpan.FromHours(1) } });
        var metrics = new GuardMetrics(live);
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        var healthStore = new MemoryPoolHealthStore(time, live.StoreRules, feed.PublishPoolHealth);
        var store = new MemoryStore(feed, healthStore.CountSuccess, live.StoreRules, time);
        var identity = GuardIdentity.New();
        var liveness = new StarterLiveness(new MemoryGuardLiveness(time), identity, metrics, time, NullLogger<StarterLiveness>.Instance);
        var client = new RunnerClient(new HttpMessageInvoker(new SocketsHttpHandler()), live, time, NullLogger<RunnerClient>.Instance);
        var starter = new ActorStarter(new(
            store, ImplicitTransport.TableOver(new HttpTransport(null!, client)), new SuspectRunners(time), identity, liveness, live, metrics, time, Random.Shared, NullLogger<ActorStarter>.Instance));
        var routes = new RouteCache(live, metrics, new StoreContact(), time);
        var tracker = new PoolHealthTracker(healthStore, live, time, metrics, NullLogger<PoolHealthTracker>.Instance);
        var settings = new PoolSettingsSource(store, live, time, NullLogger<PoolSettingsSource>.Instance);
        var watchers = new PoolHealthWatchers(tracker, settings, time, NullLogger<PoolHealthWatchers>.Instance);
        var connects = new ConnectOutlook(time);
        var probes = new ProbeGate(healthStore, connects, live, time);
        _limiter = new HoldLimiter(live, metrics, new(live, metrics, static () => default, time, NullLogger<MemoryPressure>.Instance));
        var waits = new ActorWaits(new(starter, routes, tracker, watchers, probes, connects, live, metrics, time));
        _gate = new ReadinessGate(waits, starter, tracker, settings, probes, _limiter, new WakeBudget(live), live, metrics, time);

        var pool = new PoolId("default", "pool");
        await store.PutAsync(pool, new PoolConfig(), CancellationToken.None);
        var made = await store.CreateAsync(new(ActorId.New(1), pool, "room", "k", CrashPolicy.Sleep, null), CancellationToken.None);
        _route = ActorRoute.From(made.Actor!);
        _leaves = new CancellationTokenSource();
        _stays = _gate.HoldAsync(_route, new Deadline(time.GetTimestamp(), TimeSpan.FromHours(1)), skipReadyWait: false, avoid: null, _leaves.Token);
    }

    [GlobalCleanup]
    public async Task Cleanup()
    {
        await _leaves.CancelAsync();
        await _stays;
    }

    [Benchmark(Baseline = true)]
    public void Limiter()
    {
        _limiter.TryEnter(_route.Pool, _route.Id);
        _limiter.Exit(_route.Pool, _route.Id);
    }

    [Benchmark]
    public async Task<bool> JoinAndLeave()
    {
        using var client = new CancellationTokenSource();
        var held = _gate.HoldAsync(_route, new Deadline(TimeProvider.System.GetTimestamp(), TimeSpan.FromHours(1)), skipReadyWait: false, avoid: null, client.Token);
        await client.CancelAsync();
        return (await held).Route is null;
    }
}
