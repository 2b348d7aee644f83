using System.Net;
using BenchmarkDotNet.Attributes;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Gateway;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Benchmarks;

/// <summary>
/// All that stands between the server and the forwarder for a cached ready actor, in the order of <see cref="GatewayHandler"/>, and what is
/// counted at the end: ray id, CORS, framing checks, limits, parse, tokens, resolve, ready check, body, metrics. The parts have benchmarks of
/// their own.
/// </summary>
[MemoryDiagnoser]
public class PreForwardBenchmarks : IDisposable
{
    private readonly RoutingWorld _world = new(routes: 1000);
    private readonly DefaultHttpContext _context = new();
    private readonly RayId _rays = new(1);
    private readonly IHttpRequestFeature _feature;
    private readonly (GatewayParts Parts, RequestEntry Entry) _open;
    private readonly (GatewayParts Parts, RequestEntry Entry) _limited;
    private int _next;

    public PreForwardBenchmarks()
    {
        _open = FlowOf(new(new GuardOptions()));
        _limited = FlowOf(GatewayParts.WithClientLimits());
        _feature = _context.Features.GetRequiredFeature<IHttpRequestFeature>();
        _context.Connection.RemoteIpAddress = IPAddress.Loopback;
        (_context.Request.Method, _context.Request.Protocol, _context.Request.Scheme) = ("GET", "HTTP/1.1", "http");
        var headers = _context.Request.Headers;
        (headers.Host, headers.Accept, headers.UserAgent) = ("gateway.example:6420", "*/*", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0");
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _open.Parts.Dispose();
        _limited.Parts.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public bool Direct() => Run(_open, Next().Direct);

    [Benchmark]
    public bool Query() => Run(_open, Next().Query);

    /// <summary>With both limits of a client on.</summary>
    [Benchmark]
    public bool Direct_ClientLimits() => Run(_limited, Next().Direct);

    private RoutingWorld.Pick Next() => _world.Picks[_next++ & (_world.Picks.Length - 1)];

    private bool Run((GatewayParts Parts, RequestEntry Entry) flow, string rawTarget)
    {
        _feature.RawTarget = rawTarget;
        _context.TraceIdentifier = _rays.New();
        var since = TimeProvider.System.GetTimestamp();
        using var request = new GatewayRequest(_context, since, flow.Parts.Options.Current.Readiness.Timeout);
        flow.Parts.Cors.Apply(_context);
        var serves = flow.Entry.Admit(request).Route is { } route && route.Serves(request.SkipReadyWait);
        request.PrepareBody(flow.Parts.Options.Current);
        flow.Parts.Metrics.RequestEnded(request.Form, "GET", 200, TimeProvider.System.GetElapsedTime(since));
        return serves;
    }

    /// <summary>The way in, without what looks up a route that is not cached.</summary>
    private (GatewayParts Parts, RequestEntry Entry) FlowOf(GatewayParts parts)
        => (parts, new(parts.Checks, parts.Admission, new(null), _world.Resolver, null!, TimeProvider.System));
}
