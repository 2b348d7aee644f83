using BenchmarkDotNet.Attributes;
using Guard.Core.Diagnostics;
using Guard.Core.Gateway;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;

namespace Guard.Benchmarks;

/// <summary>What every request of the gateway pays besides its route: framing checks, CORS, its ray id, its metrics.</summary>
[MemoryDiagnoser]
public class RequestBenchmarks
{
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(1);
    private readonly DefaultHttpContext _context = new() { Request = { Method = "GET", Protocol = "HTTP/1.1", Headers = { Host = "gateway.example" } } };
    private readonly GuardMetrics _metrics;
    private readonly GatewayRequestChecks _checks;
    private readonly CorsPolicy _cors;
    private readonly RayId _rays = new(1);

    public RequestBenchmarks()
    {
        var live = new LiveOptions(new GuardOptions());
        _metrics = new GuardMetrics(live);
        _checks = new GatewayRequestChecks(live);
        _cors = new CorsPolicy(live);
    }

    [Benchmark]
    public bool Checks() => _checks.Check(_context) is null;

    [Benchmark]
    public void Cors() => _cors.Apply(_context);

    [Benchmark(Baseline = true)]
    public void Metrics() => _metrics.RequestEnded(RouteForm.Direct, "GET", 200, Duration);

    /// <summary>Its text, which goes into headers.</summary>
    [Benchmark]
    public string Ray() => _rays.New();
}
