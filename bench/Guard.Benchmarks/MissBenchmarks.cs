using BenchmarkDotNet.Attributes;
using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;

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
        var world = new RoutingWorld(routes: 1);
        (_cache, _resolver) = (world.Cache, world.Resolver);
        var pool = new PoolId("default", "pool");
        await world.Store.PutAsync(pool, new PoolConfig(), CancellationToken.None);
        var made = await world.Store.CreateAsync(new(ActorId.New(1), pool, "counter", "k", CrashPolicy.Sleep, null), CancellationToken.None);
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
