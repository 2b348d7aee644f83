using System.Globalization;
using System.Net;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
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
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Guard.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Storage.Tests.Redis;

/// <summary>What a wake costs a Redis that nothing else uses: round trips, and commands, those inside scripts included.</summary>
public sealed class RedisWakeCostTests : IAsyncLifetime
{
    private static readonly PoolId Pool = new("default", "lobbies");

    private RedisServer _server = null!;
    private RedisStoreFixture _store = null!;
    private ActorStarter _starter = null!;
    private RouteResolver _resolver = null!;
    private ReadinessGate _gate = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _store = new RedisStoreFixture(_server);
        var (live, metrics, time) = (_store.Live, _store.Metrics, TimeProvider.System);
        var identity = GuardIdentity.New();
        var liveness = new StarterLiveness(new MemoryGuardLiveness(time), identity, metrics, time, NullLogger<StarterLiveness>.Instance);
        var client = new RunnerClient(new HttpMessageInvoker(new StartsAll()), live, time, NullLogger<RunnerClient>.Instance);
        _starter = new ActorStarter(new(
            _store.Actors, ImplicitTransport.TableOver(new HttpTransport(null!, client)), new SuspectRunners(time), identity, liveness, live, metrics, time, new Random(1), NullLogger<ActorStarter>.Instance));
        var routes = new RouteCache(live, metrics, _store.Contact, time);
        var tracker = new PoolHealthTracker(_store.PoolHealth, live, time, metrics, NullLogger<PoolHealthTracker>.Instance);
        var settings = new PoolSettingsSource(_store.Pools, live, time, NullLogger<PoolSettingsSource>.Instance);
        var watchers = new PoolHealthWatchers(tracker, settings, time, NullLogger<PoolHealthWatchers>.Instance);
        var connects = new ConnectOutlook(time);
        var probes = new ProbeGate(_store.PoolHealth, connects, live, time);
        var limiter = new HoldLimiter(live, metrics, new(live, metrics, static () => default, time, NullLogger<MemoryPressure>.Instance));
        var waits = new ActorWaits(new(_starter, routes, tracker, watchers, probes, connects, live, metrics, time));
        _gate = new ReadinessGate(waits, _starter, tracker, settings, probes, limiter, new WakeBudget(live), live, metrics, time);
        _resolver = new RouteResolver(routes, _store.Actors, _store.Pools, live, metrics, time);
        foreach (var sink in new IChangeSink[] { routes, settings, tracker, connects, _starter })
        {
            _store.Subscribe(sink);
        }

        await _store.Listening.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        await _store.Pools.PutAsync(Pool, new PoolConfig(), Ct);
        await _store.Runners.RegisterAsync(
            new NewRunner(ActorId.New(1).ToString(), Pool, "r1", 1, new RunnerLocation.Http("http://r1", RunnerProtocol.Http1), 1000, IsStatic: true), Ct);

        // The pool is known from here on, and the server knows the scripts.
        await WakeAsync((await ResolveAsync("warm")).Route!);
        await _resolver.ResolveAsync((await AddActorAsync()).Id, Ct);
        await _store.SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Wake_ActorOfAKnownPool_TwoRoundTripsAndAtMost24CommandsWithItsResolution()
    {
        var actor = await AddActorAsync();
        await ResetAsync();

        var route = (await _resolver.ResolveAsync(actor.Id, Ct)).Route!;
        _store.Trips.Clear();
        await WakeAsync(route);

        Assert.Equal(["actor_begin_start", "actor_commit"], _store.Trips);
        Assert.InRange(await CommandsAsync(), 1, 24);
    }

    [Fact]
    public async Task Wake_ActorThatRanBefore_TwoRoundTripsAndAtMost24Commands()
    {
        var actor = await AddActorAsync();
        await WakeAsync(ActorRoute.From(actor));
        var ready = (await _store.Actors.GetAsync(actor.Id, Ct))!;
        await _store.Actors.ApplyEventAsync(ready.Runner!.RunnerId, new(ready.Id, ready.Generation, RunnerEventKind.Sleep, null), Ct);
        var route = ActorRoute.From((await _store.Actors.GetAsync(actor.Id, Ct))!);
        await ResetAsync();

        await WakeAsync(route);

        Assert.Equal(["actor_begin_start", "actor_commit"], _store.Trips);
        Assert.InRange(await CommandsAsync(), 1, 24);
    }

    [Fact]
    public async Task GetOrCreate_NewKey_ThreeRoundTripsAndAtMost38CommandsWithItsWake()
    {
        await ResetAsync();

        var route = (await ResolveAsync("new")).Route!;
        Assert.Equal(["key_reserve", "actor_create", "key_settle"], _store.Trips);
        _store.Trips.Clear();
        await WakeAsync(route);

        Assert.Equal(["actor_begin_start", "actor_commit"], _store.Trips);
        Assert.InRange(await CommandsAsync(), 1, 38);
    }

    [Fact]
    public async Task GetOrCreate_KeyThatIsThere_TwoRoundTrips()
    {
        await _store.Actors.CreateAsync(new(ActorId.New(1), Pool, "lobby", "there", CrashPolicy.Sleep, null), Ct);
        await ResetAsync();

        await ResolveAsync("there");

        Assert.Equal(["key_reserve", "actor_get"], _store.Trips);
    }

    private async Task<ActorRecord> AddActorAsync()
        => (await _store.Actors.CreateAsync(new(ActorId.New(1), Pool, "lobby", null, CrashPolicy.Sleep, null), Ct)).Actor!;

    private Task<Resolution> ResolveAsync(string key)
        => _resolver.ResolveAsync(new ActorQueryTarget("default", "lobby", key, Create: true, Pool.Name, Input: null, Region: null, CrashPolicy.Sleep), Ct);

    private async Task WakeAsync(ActorRoute route)
    {
        var result = await _gate.HoldAsync(route, new Deadline(TimeProvider.System.GetTimestamp(), TimeSpan.FromSeconds(30)), false, null, Ct);
        Assert.Equal(HoldOutcome.Ready, result.Outcome);
        while (_starter.IsDriving(route.Id))
        {
            await Task.Yield();
        }
    }

    /// <summary>Forgets what was counted, once what was published before has been heard.</summary>
    private async Task ResetAsync()
    {
        await _store.SettleAsync();
        await _server.AskAsync("CONFIG", "RESETSTAT");
        _store.Trips.Clear();
    }

    /// <summary>Commands since, without those of this connection.</summary>
    private async Task<int> CommandsAsync()
        => (await _server.AskAsync("INFO", "commandstats")).Split("\r\n")
            .Where(line => line.StartsWith("cmdstat_", StringComparison.Ordinal))
            .Select(line => line["cmdstat_".Length..].Split(':'))
            .Where(line => line[0] is not ("info" or "quit" or "config|resetstat" or "ping"))
            .Sum(line => int.Parse(line[1].Split(',')[0]["calls=".Length..], CultureInfo.InvariantCulture));

    /// <summary>A runner that starts whatever it is asked to.</summary>
    private sealed class StartsAll : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
    }
}
