namespace Guard.Core.Options;

/// <summary>
/// Everything under <c>Guard:</c>. One validated snapshot: never changed after it is published by <see cref="LiveOptions"/>. The
/// defaults stand here and nowhere else; docs/configuration.md is the reference.
/// </summary>
internal sealed class GuardOptions
{
    public DatacenterOptions Datacenter { get; set; } = new();

    public StoreOptions Store { get; set; } = new();

    public SeedOptions Seed { get; set; } = new();

    public FailFastOptions FailFast { get; set; } = new();

    public PoolHealthOptions PoolHealth { get; set; } = new();

    public ReadinessOptions Readiness { get; set; } = new();

    public RouteCacheOptions RouteCache { get; set; } = new();

    public RetryOptions Retry { get; set; } = new();

    public ForwardingOptions Forwarding { get; set; } = new();

    public ActorsOptions Actors { get; set; } = new();

    public RunnersOptions Runners { get; set; } = new();

    public ImportOptions Import { get; set; } = new();

    public SidecarOptions Sidecar { get; set; } = new();

    public GatewayOptions Gateway { get; set; } = new();

    public AuthOptions Auth { get; set; } = new();

    public TlsOptions Tls { get; set; } = new();

    public LimitsOptions Limits { get; set; } = new();

    public ControlOptions Control { get; set; } = new();

    public ShutdownOptions Shutdown { get; set; } = new();

    public MetricsOptions Metrics { get; set; } = new();

    /// <summary>Adds exception text and full pool-error bodies to replies. For development.</summary>
    public bool ExposeErrors { get; set; }
}

internal sealed class DatacenterOptions
{
    public string Name { get; set; } = "default";

    /// <summary>The u16 in actor ids, 1 to 65535.</summary>
    public int Label { get; set; } = 1;
}

internal enum StoreProvider
{
    Memory,
    Redis,
}

internal sealed class StoreOptions
{
    public StoreProvider Provider { get; set; } = StoreProvider.Memory;

    public RedisStoreOptions Redis { get; set; } = new();
}

internal sealed class RedisStoreOptions
{
    public string Configuration { get; set; } = "127.0.0.1:6379";

    public string KeyPrefix { get; set; } = "guard";

    public int Format { get; set; } = 1;

    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(1);
}

internal sealed class SeedOptions
{
    public string? File { get; set; }
}

internal enum FailFastMode
{
    Enforce,
    Report,
    Off,
}

internal sealed class FailFastOptions
{
    public FailFastMode Mode { get; set; } = FailFastMode.Enforce;

    public TimeSpan CheckDelay { get; set; } = TimeSpan.FromSeconds(1);

    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    public TimeSpan CacheTtl { get; set; } = TimeSpan.FromSeconds(2);

    public bool Push { get; set; } = true;

    public bool RefuseWhenRed { get; set; } = true;

    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromSeconds(5);
}

internal sealed class PoolHealthOptions
{
    public int ErrorsToTrip { get; set; } = 1;

    public int SuccessesToClear { get; set; } = 3;

    public TimeSpan ErrorTtl { get; set; } = TimeSpan.FromMinutes(15);

    public int MaxErrorBytes { get; set; } = 512;
}

internal sealed class ReadinessOptions
{
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan RepairInterval { get; set; } = TimeSpan.FromSeconds(1);

    public int MaxWakeRetries { get; set; } = 8;

    public int MaxHeld { get; set; } = 50_000;

    public int MaxHeldPerPool { get; set; } = 10_000;

    public int MaxHeldPerActor { get; set; } = 1_000;
}

internal sealed class RouteCacheOptions
{
    public TimeSpan Ttl { get; set; } = TimeSpan.FromMinutes(10);

    public TimeSpan NegativeTtl { get; set; } = TimeSpan.FromSeconds(1);

    public int MaxEntries { get; set; } = 1_000_000;
}

internal sealed class RetryOptions
{
    public int MaxAttempts { get; set; } = 4;

    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(2);
}

internal sealed class ForwardingOptions
{
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan ActivityTimeout { get; set; } = TimeSpan.FromSeconds(100);

    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(15);

    public int ReplayBufferBytes { get; set; } = 65_536;
}

internal sealed class ActorsOptions
{
    public TimeSpan RestartBaseDelay { get; set; } = TimeSpan.FromSeconds(2);

    public TimeSpan RestartMaxDelay { get; set; } = TimeSpan.FromSeconds(512);

    public TimeSpan RestartResetAfter { get; set; } = TimeSpan.FromMinutes(10);
}

internal sealed class RunnersOptions
{
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(10);

    public TimeSpan ReadyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan EligibleAfter { get; set; } = TimeSpan.FromSeconds(10);

    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(15);

    public string? Token { get; set; }

    /// <summary>CIDRs and host patterns; null or empty = all but unspecified, link-local and cloud metadata addresses.</summary>
    public string[]? AllowedEndpoints { get; set; }

    public RunnerTlsOptions Tls { get; set; } = new();
}

internal sealed class RunnerTlsOptions
{
    /// <summary>PEM file; null = Guard shows runners no certificate.</summary>
    public string? Certificate { get; set; }

    /// <summary>PEM file; null = the key is in <see cref="Certificate"/>.</summary>
    public string? Key { get; set; }

    /// <summary>PEM file; null = the system's certificate authorities.</summary>
    public string? Authorities { get; set; }
}

internal sealed class ImportOptions
{
    public int BatchSize { get; set; } = 1024;

    public TimeSpan BatchTimeout { get; set; } = TimeSpan.FromSeconds(2.5);
}

internal enum SidecarProtocol
{
    Http1,
    H2c,
}

internal enum SidecarStartMode
{
    Endpoints,
    Implicit,
}

internal sealed class SidecarOptions
{
    /// <summary>Null = no sidecar.</summary>
    public string? Endpoint { get; set; }

    public string? AdvertisedEndpoint { get; set; }

    public string Namespace { get; set; } = "default";

    public string Pool { get; set; } = "default";

    /// <summary>Null = the machine's name.</summary>
    public string? Key { get; set; }

    public int Version { get; set; } = 1;

    public int Slots { get; set; } = 1000;

    public SidecarProtocol Protocol { get; set; } = SidecarProtocol.Http1;

    public SidecarStartMode StartMode { get; set; } = SidecarStartMode.Endpoints;

    public string HealthPath { get; set; } = "/";

    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(1);

    public TimeSpan HealthTimeout { get; set; } = TimeSpan.FromSeconds(1);
}

internal sealed class GatewayOptions
{
    public string? ActorDomain { get; set; }

    public string[]? TrustedProxies { get; set; }

    public int MaxProxyHops { get; set; } = 8;

    public CorsOptions Cors { get; set; } = new();
}

internal sealed class CorsOptions
{
    /// <summary>Null = <c>["*"]</c> (an array default would be appended to by the binder, not replaced).</summary>
    public string[]? AllowedOrigins { get; set; }
}

internal enum AuthMode
{
    None,
    Static,
    Jwt,
}

internal sealed class AuthOptions
{
    public AuthMode Mode { get; set; } = AuthMode.None;

    public string[]? Tokens { get; set; }

    public JwtOptions Jwt { get; set; } = new();
}

internal sealed class JwtOptions
{
    public string? Issuer { get; set; }

    public string? Audience { get; set; }

    public string? KeyFile { get; set; }

    public string? JwksUrl { get; set; }

    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(10);

    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    public string NamespacesClaim { get; set; } = "namespaces";

    public string PoolsClaim { get; set; } = "pools";

    public string ActorsClaim { get; set; } = "actors";
}

internal sealed class TlsOptions
{
    /// <summary>PEM files; null or empty = none, each https endpoint has a certificate of its own.</summary>
    public string[]? Certificates { get; set; }

    /// <summary>PEM files, one per certificate in the same order; null or empty = each key is in its certificate's file.</summary>
    public string[]? Keys { get; set; }

    /// <summary>Names of http endpoints that only send clients on to https.</summary>
    public string[]? RedirectEndpoints { get; set; }

    public int RedirectPort { get; set; } = 443;
}

internal sealed class LimitsOptions
{
    public long MaxRequestBodyBytes { get; set; } = 20_971_520;

    public int RequestsPerClient { get; set; }

    public TimeSpan RequestWindow { get; set; } = TimeSpan.FromMinutes(1);

    public int ConcurrentPerClient { get; set; }

    public int WebSocketsPerClient { get; set; }

    public int WebSockets { get; set; }

    public int ConnectionsPerClient { get; set; }

    public int Connections { get; set; } = 65_536;

    public int MaxRequestHeaderBytes { get; set; } = 32_768;

    public int MaxRequestHeaders { get; set; } = 100;

    public int WakesPerPool { get; set; }

    public TimeSpan WakeWindow { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Percent of the memory this process may use; 0 = never.</summary>
    public int ShedHoldsAt { get; set; } = 90;

    /// <summary>Percent of the memory this process may use; 0 = never.</summary>
    public int ShedRequestsAt { get; set; } = 97;

    public TimeSpan RequestHeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    public TimeSpan ProbeIdleAfter { get; set; } = TimeSpan.FromMinutes(1);

    public int MinRequestBytesPerSecond { get; set; }

    public int MinResponseBytesPerSecond { get; set; } = 240;

    public TimeSpan RateGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    public int MaxStreamResets { get; set; } = 200;
}

internal sealed class ControlOptions
{
    public string? Token { get; set; }

    public string[]? Tokens { get; set; }

    public string[]? ReadTokens { get; set; }

    public string[]? RunnerTokens { get; set; }

    /// <summary>Somebody has to say who they are before they may do anything.</summary>
    public bool HasOperatorToken() => !string.IsNullOrEmpty(Token) || Tokens is { Length: > 0 };

    public string? AdvertisedUrl { get; set; }
}

internal sealed class ShutdownOptions
{
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);
}

internal sealed class MetricsOptions
{
    /// <summary>Pools that get a label of their own; the rest are <c>other</c>.</summary>
    public int MaxPools { get; set; } = 500;
}
