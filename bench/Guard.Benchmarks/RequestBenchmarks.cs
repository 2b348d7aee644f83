using System.Net;
using BenchmarkDotNet.Attributes;
using Guard.Core.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Guard.Benchmarks;

/// <summary>What every request of the gateway pays besides its route: framing checks, CORS, its client's limits, its ray id, its metrics.</summary>
[MemoryDiagnoser]
public class RequestBenchmarks : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(1);
    private readonly DefaultHttpContext _context = new() { Request = { Method = "GET", Protocol = "HTTP/1.1", Headers = { Host = "gateway.example" } } };
    private readonly GatewayParts _parts = GatewayParts.WithClientLimits();
    private readonly RayId _rays = new(1);

    [GlobalCleanup]
    public void Dispose()
    {
        _parts.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public bool Checks() => _parts.Checks.Check(_context) is null;

    [Benchmark]
    public void Cors() => _parts.Cors.Apply(_context);

    /// <summary>Both limits of a client on: its place taken and given back.</summary>
    [Benchmark]
    public bool Limits()
    {
        var admitted = _parts.Limits.TryEnter(IPAddress.Loopback, isWebSocket: false, out var place) is null;
        place.Exit();
        return admitted;
    }

    [Benchmark(Baseline = true)]
    public void Metrics() => _parts.Metrics.RequestEnded(RouteForm.Direct, "GET", 200, Duration);

    /// <summary>Its text, which goes into headers.</summary>
    [Benchmark]
    public string Ray() => _rays.New();
}
