using System.Net;
using BenchmarkDotNet.Attributes;
using Guard.Core.Diagnostics;
using Guard.Core.Gateway;
using Guard.Core.Limits;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>What every request of the gateway pays besides its route: framing checks, CORS, its client's limits, its ray id, its metrics.</summary>
[MemoryDiagnoser]
public class RequestBenchmarks : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(1);
    private readonly DefaultHttpContext _context = new() { Request = { Method = "GET", Protocol = "HTTP/1.1", Headers = { Host = "gateway.example" } } };
    private readonly GuardMetrics _metrics;
    private readonly GatewayRequestChecks _checks;
    private readonly CorsPolicy _cors;
    private readonly ClientLimits _limits;
    private readonly RayId _rays = new(1);

    public RequestBenchmarks()
    {
        var live = new LiveOptions(new GuardOptions { Limits = new() { RequestsPerClient = 1_000_000_000, ConcurrentPerClient = 1_000_000 } });
        _metrics = new GuardMetrics(live);
        _checks = new GatewayRequestChecks(live);
        _cors = new CorsPolicy(live);
        _limits = new ClientLimits(live, _metrics, new(live, _metrics, static () => default, TimeProvider.System, NullLogger<MemoryPressure>.Instance), TimeProvider.System);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _limits.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public bool Checks() => _checks.Check(_context) is null;

    [Benchmark]
    public void Cors() => _cors.Apply(_context);

    /// <summary>Both limits of a client on: its place taken and given back.</summary>
    [Benchmark]
    public bool Limits()
    {
        var admitted = _limits.TryEnter(IPAddress.Loopback, isWebSocket: false, out var place) is null;
        place.Exit();
        return admitted;
    }

    [Benchmark(Baseline = true)]
    public void Metrics() => _metrics.RequestEnded(RouteForm.Direct, "GET", 200, Duration);

    /// <summary>Its text, which goes into headers.</summary>
    [Benchmark]
    public string Ray() => _rays.New();
}
