using BenchmarkDotNet.Attributes;
using Guard.Core.Actors;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Pools;
using Guard.Core.Routing;
using Guard.Core.Storage;
using Guard.Core.Storage.Memory;
using Guard.Core.Targets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>Routes that are not cached, over the embedded store: alone, and for many who ask at the same time and share one read.</summary>
[MemoryDiagnoser]
public class MissBenchmarks
{
    private const int Callers = 64;
    private readonly Task[] _joined = new Task[Callers];
    private RouteCache _cache = null!;
    private RouteResolver _resolver = null!;
    private ActorRoute _route = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        var live = new LiveOptions(new GuardOptions());
        var metrics = new GuardMetrics(live);
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        var store = new MemoryStore(feed, new MemoryPoolHealthStore(TimeProvider.System, live, feed.PublishPoolHealth), live, TimeProvider.System);
        _cache = new RouteCache(live, metrics, new StoreContact(), TimeProvider.System);
        _resolver = new RouteResolver(_cache, store, store, live, metrics, TimeProvider.System);
        var pool = new PoolId("default", "pool");
        await store.PutAsync(pool, new PoolConfig(), CancellationToken.None);
        var made = await store.CreateAsync(new(ActorId.New(1), pool, "counter", "k", CrashPolicy.Sleep, null), CancellationToken.None);
        _route = ActorRoute.From(made.Actor!);
        _cache.Put(_route, gaps: 0);
    }

    [Benchmark(Baseline = true)]
    public async Task<bool> Alone()
    {
        _cache.Expire(_route);
        return (await _resolver.ResolveAsync(_route.Id, CancellationToken.None)).Route is not null;
    }

    /// <summary>Per caller.</summary>
    [Benchmark(OperationsPerInvoke = Callers)]
    public Task Together()
    {
        _cache.Expire(_route);
        for (var i = 0; i < Callers; i++)
        {
            _joined[i] = _resolver.ResolveAsync(_route.Id, CancellationToken.None);
        }

        return Task.WhenAll(_joined);
    }
}
