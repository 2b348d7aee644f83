using System.Net;
using BenchmarkDotNet.Attributes;
using Guard.Core.Auth;
using Guard.Core.Diagnostics;
using Guard.Core.Forwarding;
using Guard.Core.Gateway;
using Guard.Core.Limits;
using Guard.Core.Options;
using Guard.Core.Targets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

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
    private readonly TargetParser _parser = new(null);
    private readonly RayId _rays = new(1);
    private readonly IHttpRequestFeature _feature;
    private readonly Path _open;
    private readonly Path _limited;
    private int _next;

    public PreForwardBenchmarks()
    {
        _open = new(new GuardOptions());
        _limited = new(new GuardOptions { Limits = new() { RequestsPerClient = 1_000_000_000, ConcurrentPerClient = 1_000_000 } });
        _feature = _context.Features.GetRequiredFeature<IHttpRequestFeature>();
        _context.Connection.RemoteIpAddress = IPAddress.Loopback;
        (_context.Request.Method, _context.Request.Protocol, _context.Request.Scheme) = ("GET", "HTTP/1.1", "http");
        var headers = _context.Request.Headers;
        (headers.Host, headers.Accept, headers.UserAgent) = ("gateway.example:6420", "*/*", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0");
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _open.Dispose();
        _limited.Dispose();
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

    private bool Run(Path path, string rawTarget)
    {
        _feature.RawTarget = rawTarget;
        _context.TraceIdentifier = _rays.New();
        var since = TimeProvider.System.GetTimestamp();
        using var request = new GatewayRequest(_context, since);
        path.Cors.Apply(_context);
        var serves = Admit(path, request);
        path.Metrics.RequestEnded(request.Form, "GET", 200, TimeProvider.System.GetElapsedTime(since));
        return serves;
    }

    private bool Admit(Path path, GatewayRequest request)
    {
        _context.RequestAborted.ThrowIfCancellationRequested();
        if (path.Checks.Check(_context) is not null)
        {
            return false;
        }

        var isWebSocket = UpgradeRules.Of(_context) == UpgradeKind.WebSocket;
        if (path.Admission.Enter(request, isWebSocket) is not null || CorsPolicy.IsPreflight(_context.Request))
        {
            return false;
        }

        Span<char> scratch = stackalloc char[TargetParser.ScratchLength];
        var source = TargetRequest.From(_feature.RawTarget, _context.Request.Headers.Host, _context.Request.Headers, isWebSocket);
        if (_parser.Parse(source, scratch, out var target) is not null)
        {
            return false;
        }

        request.Named(target);
        if (path.Admission.Check(request, target) is not null)
        {
            return false;
        }

        var route = _world.Resolver.TryResolve(target, request.Arrival, out var error);
        if (path.Admission.CheckScope(request, route, error) is not null || route is null || !route.Serves(request.SkipReadyWait))
        {
            return false;
        }

        request.PrepareBody(path.Options.Current);
        return true;
    }

    /// <summary>The parts that have settings.</summary>
    private sealed class Path : IDisposable
    {
        private readonly ClientLimits _limits;

        public Path(GuardOptions options)
        {
            Options = new(options);
            Metrics = new(Options);
            Checks = new(Options);
            Cors = new(Options);
            _limits = new(Options, Metrics, new(Options, Metrics, static () => default, TimeProvider.System, NullLogger<MemoryPressure>.Instance), TimeProvider.System);

            // No mode but the one of JWTs asks those.
            Admission = new(_limits, new ClientTokens(Options, Metrics, null!), Cors, new TrustedProxies(Options));
        }

        public LiveOptions Options { get; }

        public GuardMetrics Metrics { get; }

        public GatewayRequestChecks Checks { get; }

        public CorsPolicy Cors { get; }

        public Admission Admission { get; }

        public void Dispose() => _limits.Dispose();
    }
}
