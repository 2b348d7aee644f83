namespace Guard.Core.Options;

/// <summary>
/// Everything under <c>Guard:</c>. One validated snapshot: never changed after it is published by <see cref="LiveOptions"/>. The
/// defaults stand here and nowhere else; docs/configuration.md is the reference.
/// </summary>
internal sealed class GuardOptions : OptionSection
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

    [Flag(Meaning = "Adds exception text and full pool errors to replies. For development only.")]
    public bool ExposeErrors { get; set; }
}

internal sealed class DatacenterOptions : OptionSection
{
    [Text(TextForm.Label, Meaning = "Name of this datacenter, as runner-configs and actors show it.")]
    public string Name { get; set; } = "default";

    [Number(1, ushort.MaxValue, Meaning =
        "Number of this datacenter. It is part of every actor id made here; ids with another number are answered `datacenter.not_found`.")]
    public int Label { get; set; } = 1;
}

internal enum StoreProvider
{
    Memory,
    Redis,
}

internal sealed class StoreOptions : OptionSection
{
    [Choice(Meaning =
        "Where state is kept. `Memory`: inside this process, empty at each start except for the seed. `Redis`: shared by many Guards and kept when they restart.")]
    public StoreProvider Provider { get; set; } = StoreProvider.Memory;

    public RedisStoreOptions Redis { get; set; } = new();
}

internal sealed class RedisStoreOptions : OptionSection
{
    [Text(TextForm.RedisConfiguration, Secret = true, Meaning =
        "How to reach Redis: one server, Sentinel or Cluster. May hold a password, so it is never printed.")]
    public string Configuration { get; set; } = "127.0.0.1:6379";

    [Text(TextForm.KeyPrefix, Meaning = "Put before every key in Redis, so that several installations can share one.")]
    public string KeyPrefix { get; set; } = "guard";

    [Number(1, 2, Meaning =
        "How records are kept. `1`: as builds from before this option keep them, which may share the store. `2`: for a store that begins empty and that only builds with this option use. A Guard set to another format than its store has does not start.")]
    public int Format { get; set; } = 1;

    [Duration("00:00:00.001", "00:01:00", Meaning =
        "How long one call to Redis may take. When calls fail and none succeeds for as long, Redis counts as away: further calls fail at once until it answers again.")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(1);
}

internal sealed class SeedOptions : OptionSection
{
    [Text(TextForm.ExistingFile, Meaning =
        "JSON file with runner-configs, runners and actors that are created at start where they do not exist yet. Runners from it are never declared lost.")]
    public string? File { get; set; }
}

internal enum FailFastMode
{
    Enforce,
    Report,
    Off,
}

internal sealed class FailFastOptions : OptionSection
{
    [Choice(Reload = true, Meaning =
        "What to do with waiting requests when their pool is failing. `Enforce`: end them with the reason. `Report`: only count what would have been ended. `Off`: neither.")]
    public FailFastMode Mode { get; set; } = FailFastMode.Enforce;

    [Duration("00:00:00", "01:00:00", Reload = true, Meaning = "How long a request waits at least before an error of its pool may end it.")]
    public TimeSpan CheckDelay { get; set; } = TimeSpan.FromSeconds(1);

    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning = "How often the health of a pool is read while requests wait for it.")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    [Duration("00:00:00", "01:00:00", Reload = true, Meaning =
        "How long one read of a pool's health is used again. `00:00:00` reads each time.")]
    public TimeSpan CacheTtl { get; set; } = TimeSpan.FromSeconds(2);

    [Flag(Meaning = "Also listen for changes of pool health, so that waiting requests end at once instead of at the next poll.")]
    public bool Push { get; set; } = true;

    [Flag(Reload = true, Meaning = "Refuse a request at once when its pool is failing on arrival, before anything is started for it.")]
    public bool RefuseWhenRed { get; set; } = true;

    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning =
        "While a pool is failing, one start per interval is let through to find out whether it works again.")]
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromSeconds(5);
}

internal sealed class PoolHealthOptions : OptionSection
{
    [Number(1, 1_000_000, Reload = true, Meaning = "Errors since the last success that make a pool count as failing (red).")]
    public int ErrorsToTrip { get; set; } = 1;

    [Number(1, 1_000_000, Reload = true, Meaning = "Successes in a row that make a failing pool count as working (green).")]
    public int SuccessesToClear { get; set; } = 3;

    [Duration("00:00:00.001", "30.00:00:00", Reload = true, Meaning =
        "A failing pool turns green by itself when no new error was reported for this long.")]
    public TimeSpan ErrorTtl { get; set; } = TimeSpan.FromMinutes(15);

    [Number(0, 65_536, Meaning = "Bodies and messages of pool errors are cut to this many bytes, never inside a character.")]
    public int MaxErrorBytes { get; set; } = 512;
}

internal sealed class ReadinessOptions : OptionSection
{
    [Duration("00:00:00.001", "1.00:00:00", Reload = true, Meaning =
        "How long a request may wait for its actor, counted from its arrival. Nothing extends it.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning =
        "How often the state of an actor that is waited for is read again, in case an event was lost.")]
    public TimeSpan RepairInterval { get; set; } = TimeSpan.FromSeconds(1);

    [Number(0, 1000, Reload = true, Meaning =
        "How often an actor that stops before it is ready is started again for the same waiting requests.")]
    public int MaxWakeRetries { get; set; } = 8;

    [Number(1, 10_000_000, Reload = true, Meaning =
        "Requests that may wait at the same time in this Guard. Further ones are refused at once.")]
    public int MaxHeld { get; set; } = 50_000;

    [Number(1, 10_000_000, Reload = true, Meaning = "The same for one pool. At most `Readiness:MaxHeld`.")]
    public int MaxHeldPerPool { get; set; } = 10_000;

    [Number(1, 10_000_000, Reload = true, Meaning = "The same for one actor. At most `Readiness:MaxHeldPerPool`.")]
    public int MaxHeldPerActor { get; set; } = 1_000;
}

internal sealed class RouteCacheOptions : OptionSection
{
    [Duration("00:00:00.001", "30.00:00:00", Meaning = "How long Guard remembers where an actor runs. Changes it hears of apply at once.")]
    public TimeSpan Ttl { get; set; } = TimeSpan.FromMinutes(10);

    [Duration("00:00:00", "01:00:00", Meaning = "How long Guard remembers that an actor does not exist.")]
    public TimeSpan NegativeTtl { get; set; } = TimeSpan.FromSeconds(1);

    [Number(1, 100_000_000, Meaning = "Actors remembered at the same time; each takes some 250 bytes.")]
    public int MaxEntries { get; set; } = 1_000_000;
}

internal sealed class RetryOptions : OptionSection
{
    [Number(1, 100, Reload = true, Meaning =
        "How often a request is sent, the first time included. Only requests that are safe to repeat are sent again.")]
    public int MaxAttempts { get; set; } = 4;

    [Duration("00:00:00", "01:00:00", Reload = true, Meaning =
        "Upper end of the random pause before the first repetition; it doubles with each further one. At most `Retry:MaxDelay`.")]
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    [Duration("00:00:00", "01:00:00", Reload = true, Meaning = "The pause between repetitions never grows beyond this.")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(2);
}

internal sealed class ForwardingOptions : OptionSection
{
    [Duration("00:00:00.001", "01:00:00", Meaning = "How long connecting to a runner may take.")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    [Duration("00:00:00.001", "1.00:00:00", Meaning =
        "How long an exchange may be silent in both directions. WebSockets and event streams have no such limit.")]
    public TimeSpan ActivityTimeout { get; set; } = TimeSpan.FromSeconds(100);

    [Duration("00:00:00.001", "01:00:00", Meaning = "How long a runner may take to accept a WebSocket.")]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(15);

    [Number(0, 16_777_216, Meaning = "Request bodies up to this length are kept so that the request can be sent again.")]
    public int ReplayBufferBytes { get; set; } = 65_536;
}

internal sealed class ActorsOptions : OptionSection
{
    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning =
        "Upper end of the random pause (half of it to all of it) before an actor with crash policy `restart` is started again; it doubles with each restart. At most `Actors:RestartMaxDelay`.")]
    public TimeSpan RestartBaseDelay { get; set; } = TimeSpan.FromSeconds(2);

    [Duration("00:00:00.001", "1.00:00:00", Reload = true, Meaning = "The pause before a restart never grows beyond this.")]
    public TimeSpan RestartMaxDelay { get; set; } = TimeSpan.FromSeconds(512);

    [Duration("00:00:00", "30.00:00:00", Reload = true, Meaning =
        "An actor that was ready for this long begins with the first pause again.")]
    public TimeSpan RestartResetAfter { get; set; } = TimeSpan.FromMinutes(10);
}

internal sealed class RunnersOptions : OptionSection
{
    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning = "How long a runner may take to answer the call that starts an actor.")]
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(10);

    [Duration("00:00:00.001", "1.00:00:00", Reload = true, Meaning =
        "How long an actor may take to be ready after its runner answered the start with 202.")]
    public TimeSpan ReadyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    [Duration("00:00:00.001", "1.00:00:00", Reload = true, Meaning =
        "A runner gets new actors only while its last heartbeat is younger than this. Less than `Runners:LostAfter`.")]
    public TimeSpan EligibleAfter { get; set; } = TimeSpan.FromSeconds(10);

    [Duration("00:00:00.001", "1.00:00:00", Reload = true, Meaning =
        "A runner whose last heartbeat is older than this is lost, and its actors with it.")]
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(15);

    [Text(TextForm.Token, Secret = true, Meaning =
        "Sent to runners as `x-guard-channel` with each start and stop call, so that they can tell Guard from others.")]
    public string? Token { get; set; }

    /// <summary>Null or empty = all but unspecified, link-local and cloud metadata addresses.</summary>
    [Text(TextForm.EndpointPattern, Reload = true, Default = "see meaning", Meaning =
        "Where runner endpoints and serverless URLs may point. The default is everywhere but unspecified and link-local addresses and the metadata addresses of clouds. Guard's own listeners are never allowed.")]
    public string[]? AllowedEndpoints { get; set; }

    public RunnerTlsOptions Tls { get; set; } = new();
}

internal sealed class RunnerTlsOptions : OptionSection
{
    /// <summary>Null = Guard shows runners no certificate.</summary>
    [Text(TextForm.ExistingFile, Meaning =
        "PEM file with the certificate Guard shows `https://` runners (mTLS), then its intermediates. Read again when it changes: [tls.md](tls.md).")]
    public string? Certificate { get; set; }

    [Text(TextForm.ExistingFile, Meaning =
        "PEM file with the key of `Runners:Tls:Certificate`. The default is that file itself. Read again when it changes.")]
    public string? Key { get; set; }

    [Text(TextForm.ExistingFile, Meaning =
        "PEM file with the root certificates that may have issued runners' certificates; then no other is trusted. The default is the system's. Read again when it changes.")]
    public string? Authorities { get; set; }
}

internal sealed class ImportOptions : OptionSection
{
    [Number(1, 10_000, Meaning = "Actors an import writes at a time.")]
    public int BatchSize { get; set; } = 1024;

    [Duration("00:00:00.001", "01:00:00", Meaning =
        "How long one batch of an import may take. It is tried again, `Retry:MaxAttempts` times in all, before the import stops.")]
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

internal sealed class SidecarOptions : OptionSection
{
    /// <summary>Null = no sidecar.</summary>
    [Text(TextForm.Url, Meaning =
        "The application Guard stands beside, such as `http://127.0.0.1:8080`. When set, Guard registers it as a runner while it is healthy: [sidecar.md](sidecar.md).")]
    public string? Endpoint { get; set; }

    [Text(TextForm.Url, Meaning = "Where other Guards of the same Redis reach the application. The default is `Sidecar:Endpoint`.")]
    public string? AdvertisedEndpoint { get; set; }

    [Text(TextForm.Label, Meaning = "The namespace the application registers in.")]
    public string Namespace { get; set; } = "default";

    [Text(TextForm.Label, Meaning = "The pool the application registers in. Made at start where it does not exist.")]
    public string Pool { get; set; } = "default";

    [Text(TextForm.RunnerKey, Meaning =
        "Tells this application from others of its pool; the same key is the same runner. The default is the machine's name, in Kubernetes the pod's.")]
    public string? Key { get; set; }

    [Number(0, int.MaxValue, Meaning = "The application's version. A higher one drains lower ones of its pool.")]
    public int Version { get; set; } = 1;

    [Number(1, 1_000_000, Meaning = "Actors the application takes at once.")]
    public int Slots { get; set; } = 1000;

    [Choice(Meaning = "What the application speaks. `H2c`: HTTP/2 without TLS.")]
    public SidecarProtocol Protocol { get; set; } = SidecarProtocol.Http1;

    [Choice(Meaning =
        "`Endpoints`: the application is told to start and stop actors. `Implicit`: it has no such endpoints, and every actor is ready at once.")]
    public SidecarStartMode StartMode { get; set; } = SidecarStartMode.Endpoints;

    [Text(TextForm.UrlPath, Meaning = "Asked by GET; the application is healthy when it answers 200 to 399.")]
    public string HealthPath { get; set; } = "/";

    [Duration("00:00:00.001", "01:00:00", Meaning =
        "How often the application's health is asked for. At most a third of `Runners:EligibleAfter`, or heartbeats would be missed.")]
    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(1);

    [Duration("00:00:00.001", "01:00:00", Meaning = "How long the application may take to answer that.")]
    public TimeSpan HealthTimeout { get; set; } = TimeSpan.FromSeconds(1);
}

internal sealed class GatewayOptions : OptionSection
{
    [Text(TextForm.Domain, Meaning = "When set, requests for the host `{actor_id}.{this domain}` reach that actor.")]
    public string? ActorDomain { get; set; }

    [Text(TextForm.Network, Meaning =
        "Proxies in front of Guard whose `x-forwarded-*` headers are believed. From anyone else they are replaced.")]
    public string[]? TrustedProxies { get; set; }

    [Number(1, 64, Meaning =
        "How many entries of `x-forwarded-for` are read, from the right, to find the client behind trusted proxies; each step needs another trusted proxy.")]
    public int MaxProxyHops { get; set; } = 8;

    public CorsOptions Cors { get; set; } = new();
}

internal sealed class CorsOptions : OptionSection
{
    [Text(TextForm.Origin, Reload = true, Default = "[*]", Meaning =
        "Web origins whose pages may read replies. `*` answers everyone, without credentials; an exact origin gets credentials. An empty list allows none.")]
    public string[]? AllowedOrigins { get; set; }
}

internal enum AuthMode
{
    None,
    Static,
    Jwt,
}

internal sealed class AuthOptions : OptionSection
{
    [Choice(Meaning =
        "Who may reach actors. `None`: everybody. `Static`: whoever has one of `Auth:Tokens`. `Jwt`: whoever has a signed token of `Auth:Jwt:Issuer`.")]
    public AuthMode Mode { get; set; } = AuthMode.None;

    [Text(TextForm.HashedToken, Secret = true, Meaning =
        "Tokens of clients in mode `Static`, hashed, each with the namespace it is good for.")]
    public string[]? Tokens { get; set; }

    public JwtOptions Jwt { get; set; } = new();
}

internal sealed class JwtOptions : OptionSection
{
    [Text(TextForm.Any, Meaning = "Who signs tokens, as their claim `iss` says. Needed in mode `Jwt`.")]
    public string? Issuer { get; set; }

    [Text(TextForm.Any, Meaning = "For whom tokens are, as their claim `aud` says. Needed in mode `Jwt`.")]
    public string? Audience { get; set; }

    [Text(TextForm.File, Meaning =
        "Keys of the issuer: a JSON Web Key Set, or public keys in PEM. Mode `Jwt` needs this or `Auth:Jwt:JwksUrl`.")]
    public string? KeyFile { get; set; }

    [Text(TextForm.Url, Meaning = "Where the issuer publishes its keys as a JSON Web Key Set.")]
    public string? JwksUrl { get; set; }

    [Duration("00:00:10", "1.00:00:00", Meaning =
        "How often the keys are read again. A token signed by an unknown key has them read within 10 s.")]
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(10);

    [Duration("00:00:00", "01:00:00", Meaning = "How far the issuer's clock may be from Guard's.")]
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    [Text(TextForm.Any, Meaning =
        "The claim that lists the namespaces a token is good for; `*` is all. A token without it is good for none.")]
    public string NamespacesClaim { get; set; } = "namespaces";

    [Text(TextForm.Any, Meaning = "The claim that lists pools, as patterns with `*` and `?`. Without it all pools of the namespaces.")]
    public string PoolsClaim { get; set; } = "pools";

    [Text(TextForm.Any, Meaning =
        "The claim that lists actors, as patterns with `*` and `?` of their name, of `name/key`, or of their id. Without it all actors.")]
    public string ActorsClaim { get; set; } = "actors";
}

internal sealed class TlsOptions : OptionSection
{
    /// <summary>Null or empty = none, each https endpoint has a certificate of its own.</summary>
    [Text(TextForm.ExistingPemFile, Meaning =
        "PEM files, each with a certificate and then its intermediates, for `https://` endpoints that name no certificate of their own. Picked by the host name the client asks for; the first where none fits. Read again when they change: [tls.md](tls.md).")]
    public string[]? Certificates { get; set; }

    [Text(TextForm.ExistingPemFile, Meaning =
        "PEM files with the keys of `Tls:Certificates`, in the same order, not encrypted. The default is that each key is in its certificate's file. Read again when they change.")]
    public string[]? Keys { get; set; }

    [Text(TextForm.EndpointName, Meaning =
        "Endpoints that serve nothing and send clients on to https: GET and HEAD are answered 307, everything else 400.")]
    public string[]? RedirectEndpoints { get; set; }

    [Number(1, ushort.MaxValue, Meaning = "The port clients are sent on to: the one they see, which need not be the one Guard listens on.")]
    public int RedirectPort { get; set; } = 443;
}

internal sealed class LimitsOptions : OptionSection
{
    [Number(0, 1_125_899_906_842_624, Reload = true, Meaning =
        "Largest request body. Larger ones are answered 413. Of chunked bodies the lengths and line ends between chunks count too.")]
    public long MaxRequestBodyBytes { get; set; } = 20_971_520;

    [Number(0, 1_000_000_000, Reload = true, Meaning = "Requests one client address may make per `Limits:RequestWindow`. 0 = no limit.")]
    public int RequestsPerClient { get; set; }

    [Duration("00:00:01", "1.00:00:00", Reload = true, Meaning = "The time `Limits:RequestsPerClient` counts over.")]
    public TimeSpan RequestWindow { get; set; } = TimeSpan.FromMinutes(1);

    [Number(0, 1_000_000_000, Reload = true, Meaning =
        "Requests one client address may have open at the same time, WebSockets included. 0 = no limit.")]
    public int ConcurrentPerClient { get; set; }

    [Number(0, 1_000_000_000, Reload = true, Meaning = "WebSockets one client address may have open at the same time. 0 = no limit.")]
    public int WebSocketsPerClient { get; set; }

    [Number(0, 1_000_000_000, Reload = true, Meaning = "WebSockets this Guard has open at the same time. 0 = no limit.")]
    public int WebSockets { get; set; }

    [Number(0, 1_000_000_000, Reload = true, Meaning =
        "Connections one address may have open to the gateway at the same time; further ones are closed. Trusted proxies have no such limit. 0 = no limit.")]
    public int ConnectionsPerClient { get; set; }

    [Number(0, 1_000_000_000, Reload = true, Meaning =
        "Connections the gateway has open at the same time; further ones are closed. Control and health endpoints do not count. 0 = no limit.")]
    public int Connections { get; set; } = 65_536;

    [Number(1024, 1_048_576, Meaning = "Largest head of a request, all header lines together. Larger ones are answered 431.")]
    public int MaxRequestHeaderBytes { get; set; } = 32_768;

    [Number(1, 10_000, Meaning = "Most header lines of a request. More are answered 431.")]
    public int MaxRequestHeaders { get; set; } = 100;

    [Number(0, 1_000_000_000, Reload = true, Meaning =
        "Actors of one pool that requests may begin to wake per `Limits:WakeWindow`, on this Guard. Further requests for sleeping actors are refused; those that wait, or find their actor being started, are not counted. 0 = no limit.")]
    public int WakesPerPool { get; set; }

    [Duration("00:00:00.001", "01:00:00", Reload = true, Meaning = "The time `Limits:WakesPerPool` counts over.")]
    public TimeSpan WakeWindow { get; set; } = TimeSpan.FromSeconds(1);

    [Number(0, 100, Reload = true, Meaning =
        "No more requests are held while this process uses as many percent of the memory it may use (a container's limit less a quarter, or the machine's). At most `Limits:ShedRequestsAt`, where that is set. 0 = never.")]
    public int ShedHoldsAt { get; set; } = 90;

    [Number(0, 100, Reload = true, Meaning = "Every request is refused while this process uses as many percent. 0 = never.")]
    public int ShedRequestsAt { get; set; } = 97;

    [Duration("00:00:01", "01:00:00", Meaning = "How long a client may take to send the head of a request, from its first byte.")]
    public TimeSpan RequestHeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    [Duration("00:00:01", "1.00:00:00", Meaning =
        "How long a connection may stay open without a request. Longer than a load balancer in front keeps its own, so that it closes first.")]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    [Duration("00:00:01", "1.00:00:00", Meaning =
        "After this long without a sign of it, a client's machine is asked whether it is still there (TCP keep-alive, PING on HTTP/2); one that does not answer within a minute more is cut off.")]
    public TimeSpan ProbeIdleAfter { get; set; } = TimeSpan.FromMinutes(1);

    [Number(0, 1_000_000_000, Meaning =
        "Slowest a client may send the body of a request, on average while it is being read. 0 = no limit: then `Forwarding:ActivityTimeout` bounds each pause.")]
    public int MinRequestBytesPerSecond { get; set; }

    [Number(0, 1_000_000_000, Meaning = "Slowest a client may take what it is sent, on average. A slower one is cut off. 0 = no limit.")]
    public int MinResponseBytesPerSecond { get; set; } = 240;

    [Duration("00:00:02", "01:00:00", Meaning = "How long either may be slower before it counts.")]
    public TimeSpan RateGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    [Number(1, 1_000_000, Meaning =
        "Requests a client may cancel on one HTTP/2 connection before they are answered; when they are more than this and more than half of its requests, the connection gets GOAWAY and is closed after its other requests, or at once when 20 more are cancelled.")]
    public int MaxStreamResets { get; set; } = 200;
}

internal sealed class ControlOptions : OptionSection
{
    [Text(TextForm.Token, Secret = true, Meaning =
        "Bearer token of the control API, plain or hashed as `guard hash-token` prints it. Without it and `Control:Tokens`, every `Control*` endpoint must listen on a loopback address, or Guard refuses to start.")]
    public string? Token { get; set; }

    [Text(TextForm.Token, Secret = true, Meaning =
        "Further tokens that may do all that `Control:Token` may: while one is replaced by another, both are valid. Each plain, or hashed as `guard hash-token` prints it.")]
    public string[]? Tokens { get; set; }

    [Text(TextForm.Token, Secret = true, Meaning =
        "Tokens for dashboards: they may read and nothing else. Each plain, or hashed as `guard hash-token` prints it.")]
    public string[]? ReadTokens { get; set; }

    [Text(TextForm.Token, Secret = true, Meaning =
        "Tokens for runners: they may only register, send heartbeats and events, drain and delete runners. The first is what serverless endpoints are given.")]
    public string[]? RunnerTokens { get; set; }

    /// <summary>Somebody has to say who they are before they may do anything.</summary>
    public bool HasOperatorToken() => !string.IsNullOrEmpty(Token) || Tokens is { Length: > 0 };

    [Text(TextForm.BaseUrl, Meaning =
        "The control API's address as runners reach it. Needed by serverless pools that answer a start with 202.")]
    public string? AdvertisedUrl { get; set; }
}

internal sealed class ShutdownOptions : OptionSection
{
    [Duration("00:00:00", "01:00:00", Meaning =
        "How long Guard goes on accepting requests after SIGTERM, while `/readyz` already says no, so that load balancers notice.")]
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(5);

    [Duration("00:00:00", "1.00:00:00", Meaning = "How long requests under way may then take to finish.")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);
}

internal sealed class MetricsOptions : OptionSection
{
    [Number(1, 100_000, Meaning = "Pools with labels of their own in metrics. Further pools share the label `other`.")]
    public int MaxPools { get; set; } = 500;
}
