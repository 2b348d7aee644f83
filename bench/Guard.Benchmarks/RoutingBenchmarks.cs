using BenchmarkDotNet.Attributes;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;

namespace Guard.Benchmarks;

/// <summary>The request path of a cached ready actor, up to the forwarder: parse, resolve, ready check. All of it allocates nothing.</summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private const int Scratch = TargetParser.ScratchLength;

    // Made once for all benchmarks of one size: a million routes take seconds to make.
    private static RoutingWorld? _world;

    private readonly TargetParser _parser = new(null);
    private RouteCache _cache = null!;
    private RouteResolver _resolver = null!;
    private ActorRoute _route = null!;
    private RoutingWorld.Pick[] _picks = [];
    private int _next;

    [Params(1_000, 1_000_000)]
    public int Routes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        if (_world?.Routes != Routes)
        {
            _world = null;
            _world = new RoutingWorld(Routes);
        }

        (_cache, _resolver, _picks) = (_world.Cache, _world.Resolver, _world.Picks);
        _route = _cache.Find(_picks[0].Id, TimeProvider.System.GetTimestamp(), out _)!;
    }

    [Benchmark(Baseline = true)]
    public bool ParseResolveReady_Direct() => ParseResolveReady(Next().Direct);

    [Benchmark]
    public bool ParseResolveReady_Query() => ParseResolveReady(Next().Query);

    /// <summary>The cache alone, the id at hand.</summary>
    [Benchmark]
    public bool Resolve_Direct() => _cache.Find(Next().Id, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };

    /// <summary>The cache alone, from namespace, name and key.</summary>
    [Benchmark]
    public bool Resolve_Query()
    {
        Span<char> buffer = stackalloc char[NameKeys.MaxLength];
        return _cache.TryFindId(NameKeys.Write("default", "counter", Next().Key, buffer), out var id)
            && _cache.Find(id, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };
    }

    [Benchmark]
    public bool Ready() => _route.Serves(skipReadyWait: false);

    private RoutingWorld.Pick Next() => _picks[_next++ & (_picks.Length - 1)];

    private bool ParseResolveReady(string rawTarget)
    {
        Span<char> scratch = stackalloc char[Scratch];
        var request = new TargetRequest { RawTarget = rawTarget };
        return _parser.Parse(request, scratch, out var target) is null
            && _resolver.TryResolve(target, TimeProvider.System.GetTimestamp(), out _) is { IsReady: true };
    }
}
