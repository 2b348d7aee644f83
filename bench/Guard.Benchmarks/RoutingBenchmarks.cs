using BenchmarkDotNet.Attributes;
using Guard.Core.Actors;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Pools;
using Guard.Core.Routing;
using Guard.Core.Runners;
using Guard.Core.Storage;
using Guard.Core.Storage.Memory;
using Guard.Core.Targets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>The request path of a cached ready actor, up to the forwarder: parse, resolve, ready check. All of it allocates nothing.</summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private const int Scratch = TargetParser.ScratchLength;

    private readonly TargetParser _parser = new(null);
    private RouteCache _cache = null!;
    private RouteResolver _resolver = null!;
    private ActorId _id;
    private string _key = "";
    private string _direct = "";
    private string _query = "";

    [Params(1_000)]
    public int Routes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var live = new LiveOptions(new GuardOptions());
        var metrics = new GuardMetrics(live);
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        var health = new MemoryPoolHealthStore(TimeProvider.System, live, feed.PublishPoolHealth);
        var store = new MemoryStore(feed, health, live, TimeProvider.System);
        var cache = _cache = new RouteCache(live, metrics, new StoreContact(), TimeProvider.System);
        _resolver = new RouteResolver(cache, store, store, live, metrics, TimeProvider.System);
        var pool = new PoolId("default", "pool");
        var runner = new RunnerAddress("r", "http://127.0.0.1:1", RunnerProtocol.Http1);
        var id = default(ActorId);
        for (var i = 0; i < Routes; i++)
        {
            id = ActorId.New(1);
            cache.Put(
                NameKeys.Create("default", "counter", $"k{i}"),
                ActorRoute.From(new ActorRecord
                {
                    Id = id,
                    Pool = pool,
                    Name = "counter",
                    Key = $"k{i}",
                    State = ActorState.Ready,
                    Generation = 1,
                    Revision = 2,
                    Runner = runner,
                }),
                gaps: 0);
        }

        _id = id;
        _key = $"k{Routes - 1}";
        _direct = $"/gateway/{id}/request/hello?x=1";
        _query = $"/gateway/counter/request/hello?rvt-namespace=default&rvt-method=get&rvt-key=k{Routes - 1}&x=1";
    }

    [Benchmark(Baseline = true)]
    public bool ParseResolveReady_Direct() => ParseResolveReady(_direct);

    [Benchmark]
    public bool ParseResolveReady_Query() => ParseResolveReady(_query);

    /// <summary>The cache alone, the id at hand.</summary>
    [Benchmark]
    public bool Resolve_Direct() => _cache.Find(_id, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };

    /// <summary>The cache alone, from namespace, name and key.</summary>
    [Benchmark]
    public bool Resolve_Query()
    {
        Span<char> buffer = stackalloc char[NameKeys.MaxLength];
        return _cache.TryFindId(NameKeys.Write("default", "counter", _key, buffer), out var id)
            && _cache.Find(id, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };
    }

    private bool ParseResolveReady(string rawTarget)
    {
        Span<char> scratch = stackalloc char[Scratch];
        var request = new TargetRequest { RawTarget = rawTarget };
        return _parser.Parse(request, scratch, out var target) is null
            && _resolver.TryResolve(target, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };
    }
}
