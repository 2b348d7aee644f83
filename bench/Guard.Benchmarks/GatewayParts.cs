using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Transport.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>The parts of the request flow that have settings.</summary>
internal sealed class GatewayParts : IDisposable
{
    public GatewayParts(GuardOptions options)
    {
        Options = new(options);
        Metrics = new(Options);
        Checks = new(Options);
        Cors = new(Options);
        Limits = new(Options, Metrics, new(Options, Metrics, static () => default, TimeProvider.System, NullLogger<MemoryPressure>.Instance), TimeProvider.System);

        // No mode but the one of JWTs asks those.
        Admission = new(Limits, new ClientTokens(Options, Metrics, null!), Cors, new TrustedProxies(Options));
    }

    public LiveOptions Options { get; }

    public GuardMetrics Metrics { get; }

    public GatewayRequestChecks Checks { get; }

    public CorsPolicy Cors { get; }

    public ClientLimits Limits { get; }

    public RequestAdmission Admission { get; }

    /// <summary>With both limits of a client on, and never reached.</summary>
    public static GatewayParts WithClientLimits()
        => new(new GuardOptions { Limits = new() { RequestsPerClient = 1_000_000_000, ConcurrentPerClient = 1_000_000 } });

    public void Dispose() => Limits.Dispose();
}
