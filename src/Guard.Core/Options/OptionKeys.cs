using System.Collections.Frozen;
using System.Numerics;

namespace Guard.Core.Options;

/// <summary>
/// Every key under <c>Guard</c>, in the order of docs/configuration.md. The one list from which keys are read, checked, reloaded and
/// documented: whoever adds an option adds it here. Defaults are those of a new <see cref="GuardOptions"/>.
/// </summary>
internal static class OptionKeys
{
    private const string ExistingFile = "the path of a file that exists";
    private const string ExistingFileEntry = "the path of a PEM file that exists";
    private const string UrlForm = "an absolute http or https URL";

    private static readonly TimeSpan Zero = TimeSpan.Zero;
    private static readonly TimeSpan Ms = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    public static readonly IReadOnlyList<OptionKey> All =
    [
        Text("Datacenter:Name", o => o.Datacenter.Name, (o, v) => o.Datacenter.Name = v, LabelForm, text => OptionSyntax.IsLabel(text),
            "Name of this datacenter, as runner-configs and actors show it."),
        Number("Datacenter:Label", 1, ushort.MaxValue, o => o.Datacenter.Label, (o, v) => o.Datacenter.Label = v,
            "Number of this datacenter. It is part of every actor id made here; ids with another number are answered `datacenter.not_found`."),

        Choice<StoreProvider>("Store:Provider", o => o.Store.Provider, (o, v) => o.Store.Provider = v,
            "Where state is kept. `Memory`: inside this process, empty at each start except for the seed. `Redis`: shared by many Guards and kept when they restart."),
        Text("Store:Redis:Configuration", o => o.Store.Redis.Configuration, (o, v) => o.Store.Redis.Configuration = v,
            "a StackExchange.Redis configuration string", text => !string.IsNullOrWhiteSpace(text),
            "How to reach Redis: one server, Sentinel or Cluster. May hold a password, so it is never printed.", isSecret: true),
        Text("Store:Redis:KeyPrefix", o => o.Store.Redis.KeyPrefix, (o, v) => o.Store.Redis.KeyPrefix = v,
            "1 to 64 of A-Z a-z 0-9 . _ : -", OptionSyntax.IsKeyPrefix,
            "Put before every key in Redis, so that several installations can share one."),
        Number("Store:Redis:Format", 1, 2, o => o.Store.Redis.Format, (o, v) => o.Store.Redis.Format = v,
            "How records are kept. `1`: as builds from before this option keep them, which may share the store. `2`: for a store that begins empty and that only builds with this option use. A Guard set to another format than its store has does not start."),
        Duration("Store:Redis:CallTimeout", Ms, TimeSpan.FromMinutes(1), o => o.Store.Redis.CallTimeout, (o, v) => o.Store.Redis.CallTimeout = v,
            "How long one call to Redis may take. When calls fail and none succeeds for as long, Redis counts as away: further calls fail at once until it answers again."),

        OptionalText("Seed:File", o => o.Seed.File, (o, v) => o.Seed.File = v, ExistingFile, _ => true,
            "JSON file with runner-configs, runners and actors that are created at start where they do not exist yet. Runners from it are never declared lost."),

        Choice<FailFastMode>("FailFast:Mode", o => o.FailFast.Mode, (o, v) => o.FailFast.Mode = v,
            "What to do with waiting requests when their pool is failing. `Enforce`: end them with the reason. `Report`: only count what would have been ended. `Off`: neither.", true),
        Duration("FailFast:CheckDelay", Zero, Hour, o => o.FailFast.CheckDelay, (o, v) => o.FailFast.CheckDelay = v,
            "How long a request waits at least before an error of its pool may end it.", true),
        Duration("FailFast:PollInterval", Ms, Hour, o => o.FailFast.PollInterval, (o, v) => o.FailFast.PollInterval = v,
            "How often the health of a pool is read while requests wait for it.", true),
        Duration("FailFast:CacheTtl", Zero, Hour, o => o.FailFast.CacheTtl, (o, v) => o.FailFast.CacheTtl = v,
            "How long one read of a pool's health is used again. `00:00:00` reads each time.", true),
        Flag("FailFast:Push", o => o.FailFast.Push, (o, v) => o.FailFast.Push = v,
            "Also listen for changes of pool health, so that waiting requests end at once instead of at the next poll."),
        Flag("FailFast:RefuseWhenRed", o => o.FailFast.RefuseWhenRed, (o, v) => o.FailFast.RefuseWhenRed = v,
            "Refuse a request at once when its pool is failing on arrival, before anything is started for it.", true),
        Duration("FailFast:ProbeInterval", Ms, Hour, o => o.FailFast.ProbeInterval, (o, v) => o.FailFast.ProbeInterval = v,
            "While a pool is failing, one start per interval is let through to find out whether it works again.", true),

        Number("PoolHealth:ErrorsToTrip", 1, 1_000_000, o => o.PoolHealth.ErrorsToTrip, (o, v) => o.PoolHealth.ErrorsToTrip = v,
            "Errors since the last success that make a pool count as failing (red).", true),
        Number("PoolHealth:SuccessesToClear", 1, 1_000_000, o => o.PoolHealth.SuccessesToClear, (o, v) => o.PoolHealth.SuccessesToClear = v,
            "Successes in a row that make a failing pool count as working (green).", true),
        Duration("PoolHealth:ErrorTtl", Ms, Month, o => o.PoolHealth.ErrorTtl, (o, v) => o.PoolHealth.ErrorTtl = v,
            "A failing pool turns green by itself when no new error was reported for this long.", true),
        Number("PoolHealth:MaxErrorBytes", 0, 65_536, o => o.PoolHealth.MaxErrorBytes, (o, v) => o.PoolHealth.MaxErrorBytes = v,
            "Bodies and messages of pool errors are cut to this many bytes, never inside a character."),

        Duration("Readiness:Timeout", Ms, Day, o => o.Readiness.Timeout, (o, v) => o.Readiness.Timeout = v,
            "How long a request may wait for its actor, counted from its arrival. Nothing extends it.", true),
        Duration("Readiness:RepairInterval", Ms, Hour, o => o.Readiness.RepairInterval, (o, v) => o.Readiness.RepairInterval = v,
            "How often the state of an actor that is waited for is read again, in case an event was lost.", true),
        Number("Readiness:MaxWakeRetries", 0, 1000, o => o.Readiness.MaxWakeRetries, (o, v) => o.Readiness.MaxWakeRetries = v,
            "How often an actor that stops before it is ready is started again for the same waiting requests.", true),
        Number("Readiness:MaxHeld", 1, 10_000_000, o => o.Readiness.MaxHeld, (o, v) => o.Readiness.MaxHeld = v,
            "Requests that may wait at the same time in this Guard. Further ones are refused at once.", true),
        Number("Readiness:MaxHeldPerPool", 1, 10_000_000, o => o.Readiness.MaxHeldPerPool, (o, v) => o.Readiness.MaxHeldPerPool = v,
            "The same for one pool. At most `Readiness:MaxHeld`.", true),
        Number("Readiness:MaxHeldPerActor", 1, 10_000_000, o => o.Readiness.MaxHeldPerActor, (o, v) => o.Readiness.MaxHeldPerActor = v,
            "The same for one actor. At most `Readiness:MaxHeldPerPool`.", true),

        Duration("RouteCache:Ttl", Ms, Month, o => o.RouteCache.Ttl, (o, v) => o.RouteCache.Ttl = v,
            "How long Guard remembers where an actor runs. Changes it hears of apply at once."),
        Duration("RouteCache:NegativeTtl", Zero, Hour, o => o.RouteCache.NegativeTtl, (o, v) => o.RouteCache.NegativeTtl = v,
            "How long Guard remembers that an actor does not exist."),
        Number("RouteCache:MaxEntries", 1, 100_000_000, o => o.RouteCache.MaxEntries, (o, v) => o.RouteCache.MaxEntries = v,
            "Actors remembered at the same time; each takes some 250 bytes."),

        Number("Retry:MaxAttempts", 1, 100, o => o.Retry.MaxAttempts, (o, v) => o.Retry.MaxAttempts = v,
            "How often a request is sent, the first time included. Only requests that are safe to repeat are sent again.", true),
        Duration("Retry:BaseDelay", Zero, Hour, o => o.Retry.BaseDelay, (o, v) => o.Retry.BaseDelay = v,
            "Upper end of the random pause before the first repetition; it doubles with each further one. At most `Retry:MaxDelay`.", true),
        Duration("Retry:MaxDelay", Zero, Hour, o => o.Retry.MaxDelay, (o, v) => o.Retry.MaxDelay = v,
            "The pause between repetitions never grows beyond this.", true),

        Duration("Forwarding:ConnectTimeout", Ms, Hour, o => o.Forwarding.ConnectTimeout, (o, v) => o.Forwarding.ConnectTimeout = v,
            "How long connecting to a runner may take."),
        Duration("Forwarding:ActivityTimeout", Ms, Day, o => o.Forwarding.ActivityTimeout, (o, v) => o.Forwarding.ActivityTimeout = v,
            "How long an exchange may be silent in both directions. WebSockets and event streams have no such limit."),
        Duration("Forwarding:HandshakeTimeout", Ms, Hour, o => o.Forwarding.HandshakeTimeout, (o, v) => o.Forwarding.HandshakeTimeout = v,
            "How long a runner may take to accept a WebSocket."),
        Number("Forwarding:ReplayBufferBytes", 0, 16_777_216, o => o.Forwarding.ReplayBufferBytes, (o, v) => o.Forwarding.ReplayBufferBytes = v,
            "Request bodies up to this length are kept so that the request can be sent again."),

        Duration("Actors:RestartBaseDelay", Ms, Hour, o => o.Actors.RestartBaseDelay, (o, v) => o.Actors.RestartBaseDelay = v,
            "Upper end of the random pause (half of it to all of it) before an actor with crash policy `restart` is started again; it doubles with each restart. At most `Actors:RestartMaxDelay`.", true),
        Duration("Actors:RestartMaxDelay", Ms, Day, o => o.Actors.RestartMaxDelay, (o, v) => o.Actors.RestartMaxDelay = v,
            "The pause before a restart never grows beyond this.", true),
        Duration("Actors:RestartResetAfter", Zero, Month, o => o.Actors.RestartResetAfter, (o, v) => o.Actors.RestartResetAfter = v,
            "An actor that was ready for this long begins with the first pause again.", true),

        Duration("Runners:StartTimeout", Ms, Hour, o => o.Runners.StartTimeout, (o, v) => o.Runners.StartTimeout = v,
            "How long a runner may take to answer the call that starts an actor.", true),
        Duration("Runners:ReadyTimeout", Ms, Day, o => o.Runners.ReadyTimeout, (o, v) => o.Runners.ReadyTimeout = v,
            "How long an actor may take to be ready after its runner answered the start with 202.", true),
        Duration("Runners:EligibleAfter", Ms, Day, o => o.Runners.EligibleAfter, (o, v) => o.Runners.EligibleAfter = v,
            "A runner gets new actors only while its last heartbeat is younger than this. Less than `Runners:LostAfter`.", true),
        Duration("Runners:LostAfter", Ms, Day, o => o.Runners.LostAfter, (o, v) => o.Runners.LostAfter = v,
            "A runner whose last heartbeat is older than this is lost, and its actors with it.", true),
        OptionalText("Runners:Token", o => o.Runners.Token, (o, v) => o.Runners.Token = v, TokenForm, OptionSyntax.IsToken,
            "Sent to runners as `x-guard-channel` with each start and stop call, so that they can tell Guard from others.", isSecret: true),
        new ListKey("Runners:AllowedEndpoints", "a network (10.0.0.0/8), an address, or a host pattern (*.example.com)",
            text => !text.AsSpan().ContainsAny(' ', '\t'), o => o.Runners.AllowedEndpoints, (o, v) => o.Runners.AllowedEndpoints = v,
            "Where runner endpoints and serverless URLs may point. The default is everywhere but unspecified and link-local addresses and the metadata addresses of clouds. Guard's own listeners are never allowed.")
        {
            IsReloadable = true, DefaultText = "see meaning",
        },
        OptionalText("Runners:Tls:Certificate", o => o.Runners.Tls.Certificate, (o, v) => o.Runners.Tls.Certificate = v, ExistingFile, _ => true,
            "PEM file with the certificate Guard shows `https://` runners (mTLS), then its intermediates. Read again when it changes: [tls.md](tls.md)."),
        OptionalText("Runners:Tls:Key", o => o.Runners.Tls.Key, (o, v) => o.Runners.Tls.Key = v, ExistingFile, _ => true,
            "PEM file with the key of `Runners:Tls:Certificate`. The default is that file itself. Read again when it changes."),
        OptionalText("Runners:Tls:Authorities", o => o.Runners.Tls.Authorities, (o, v) => o.Runners.Tls.Authorities = v, ExistingFile, _ => true,
            "PEM file with the root certificates that may have issued runners' certificates; then no other is trusted. The default is the system's. Read again when it changes."),

        Number("Import:BatchSize", 1, 10_000, o => o.Import.BatchSize, (o, v) => o.Import.BatchSize = v,
            "Actors an import writes at a time."),
        Duration("Import:BatchTimeout", Ms, Hour, o => o.Import.BatchTimeout, (o, v) => o.Import.BatchTimeout = v,
            "How long one batch of an import may take. It is tried again, `Retry:MaxAttempts` times in all, before the import stops."),

        OptionalText("Sidecar:Endpoint", o => o.Sidecar.Endpoint, (o, v) => o.Sidecar.Endpoint = v, UrlForm, IsUrl,
            "The application Guard stands beside, such as `http://127.0.0.1:8080`. When set, Guard registers it as a runner while it is healthy: [sidecar.md](sidecar.md)."),
        OptionalText("Sidecar:AdvertisedEndpoint", o => o.Sidecar.AdvertisedEndpoint, (o, v) => o.Sidecar.AdvertisedEndpoint = v, UrlForm, IsUrl,
            "Where other Guards of the same Redis reach the application. The default is `Sidecar:Endpoint`."),
        Text("Sidecar:Namespace", o => o.Sidecar.Namespace, (o, v) => o.Sidecar.Namespace = v, LabelForm, text => OptionSyntax.IsLabel(text),
            "The namespace the application registers in."),
        Text("Sidecar:Pool", o => o.Sidecar.Pool, (o, v) => o.Sidecar.Pool = v, LabelForm, text => OptionSyntax.IsLabel(text),
            "The pool the application registers in. Made at start where it does not exist."),
        OptionalText("Sidecar:Key", o => o.Sidecar.Key, (o, v) => o.Sidecar.Key = v,
            "1 to 128 characters, none of them a control character", text => text.Length is > 0 and <= 128 && !text.Any(char.IsControl),
            "Tells this application from others of its pool; the same key is the same runner. The default is the machine's name, in Kubernetes the pod's."),
        Number("Sidecar:Version", 0, int.MaxValue, o => o.Sidecar.Version, (o, v) => o.Sidecar.Version = v,
            "The application's version. A higher one drains lower ones of its pool."),
        Number("Sidecar:Slots", 1, 1_000_000, o => o.Sidecar.Slots, (o, v) => o.Sidecar.Slots = v,
            "Actors the application takes at once."),
        Choice<SidecarProtocol>("Sidecar:Protocol", o => o.Sidecar.Protocol, (o, v) => o.Sidecar.Protocol = v,
            "What the application speaks. `H2c`: HTTP/2 without TLS."),
        Choice<SidecarStartMode>("Sidecar:StartMode", o => o.Sidecar.StartMode, (o, v) => o.Sidecar.StartMode = v,
            "`Endpoints`: the application is told to start and stop actors. `Implicit`: it has no such endpoints, and every actor is ready at once."),
        Text("Sidecar:HealthPath", o => o.Sidecar.HealthPath, (o, v) => o.Sidecar.HealthPath = v,
            "a path that begins with /", text => text.StartsWith('/') && !text.Any(char.IsWhiteSpace),
            "Asked by GET; the application is healthy when it answers 200 to 399."),
        Duration("Sidecar:HealthInterval", Ms, Hour, o => o.Sidecar.HealthInterval, (o, v) => o.Sidecar.HealthInterval = v,
            "How often the application's health is asked for. At most a third of `Runners:EligibleAfter`, or heartbeats would be missed."),
        Duration("Sidecar:HealthTimeout", Ms, Hour, o => o.Sidecar.HealthTimeout, (o, v) => o.Sidecar.HealthTimeout = v,
            "How long the application may take to answer that."),

        OptionalText("Gateway:ActorDomain", o => o.Gateway.ActorDomain, (o, v) => o.Gateway.ActorDomain = v,
            "a domain name such as actors.example.com", OptionSyntax.IsDomain,
            "When set, requests for the host `{actor_id}.{this domain}` reach that actor."),
        new ListKey("Gateway:TrustedProxies", "a network such as 10.0.0.0/8 (host bits zero), or an address", OptionSyntax.IsNetwork,
            o => o.Gateway.TrustedProxies, (o, v) => o.Gateway.TrustedProxies = v,
            "Proxies in front of Guard whose `x-forwarded-*` headers are believed. From anyone else they are replaced.")
        {
            DefaultText = "none",
        },
        Number("Gateway:MaxProxyHops", 1, 64, o => o.Gateway.MaxProxyHops, (o, v) => o.Gateway.MaxProxyHops = v,
            "How many entries of `x-forwarded-for` are read, from the right, to find the client behind trusted proxies; each step needs another trusted proxy."),
        new ListKey("Gateway:Cors:AllowedOrigins", "*, null, or scheme://host[:port] as a browser sends it (lower case, no path, no default port)",
            OptionSyntax.IsOrigin, o => o.Gateway.Cors.AllowedOrigins, (o, v) => o.Gateway.Cors.AllowedOrigins = v,
            "Web origins whose pages may read replies. `*` answers everyone, without credentials; an exact origin gets credentials. An empty list allows none.")
        {
            IsReloadable = true, DefaultText = "[*]",
        },

        Choice<AuthMode>("Auth:Mode", o => o.Auth.Mode, (o, v) => o.Auth.Mode = v,
            "Who may reach actors. `None`: everybody. `Static`: whoever has one of `Auth:Tokens`. `Jwt`: whoever has a signed token of `Auth:Jwt:Issuer`."),
        new ListKey("Auth:Tokens", "{namespace}=sha256:{64 hexadecimal digits}, with * for every namespace; guard hash-token prints it", OptionSyntax.IsHashedToken,
            o => o.Auth.Tokens, (o, v) => o.Auth.Tokens = v,
            "Tokens of clients in mode `Static`, hashed, each with the namespace it is good for.")
        {
            IsSecret = true, DefaultText = "none",
        },
        OptionalText("Auth:Jwt:Issuer", o => o.Auth.Jwt.Issuer, (o, v) => o.Auth.Jwt.Issuer = v, "a text", text => text.Length > 0,
            "Who signs tokens, as their claim `iss` says. Needed in mode `Jwt`."),
        OptionalText("Auth:Jwt:Audience", o => o.Auth.Jwt.Audience, (o, v) => o.Auth.Jwt.Audience = v, "a text", text => text.Length > 0,
            "For whom tokens are, as their claim `aud` says. Needed in mode `Jwt`."),
        OptionalText("Auth:Jwt:KeyFile", o => o.Auth.Jwt.KeyFile, (o, v) => o.Auth.Jwt.KeyFile = v, "the path of a file", text => text.Length > 0,
            "Keys of the issuer: a JSON Web Key Set, or public keys in PEM. Mode `Jwt` needs this or `Auth:Jwt:JwksUrl`."),
        OptionalText("Auth:Jwt:JwksUrl", o => o.Auth.Jwt.JwksUrl, (o, v) => o.Auth.Jwt.JwksUrl = v, UrlForm, IsUrl,
            "Where the issuer publishes its keys as a JSON Web Key Set."),
        Duration("Auth:Jwt:RefreshInterval", TimeSpan.FromSeconds(10), Day, o => o.Auth.Jwt.RefreshInterval, (o, v) => o.Auth.Jwt.RefreshInterval = v,
            "How often the keys are read again. A token signed by an unknown key has them read within 10 s."),
        Duration("Auth:Jwt:ClockSkew", Zero, Hour, o => o.Auth.Jwt.ClockSkew, (o, v) => o.Auth.Jwt.ClockSkew = v,
            "How far the issuer's clock may be from Guard's."),
        Text("Auth:Jwt:NamespacesClaim", o => o.Auth.Jwt.NamespacesClaim, (o, v) => o.Auth.Jwt.NamespacesClaim = v, "a text", text => text.Length > 0,
            "The claim that lists the namespaces a token is good for; `*` is all. A token without it is good for none."),
        Text("Auth:Jwt:PoolsClaim", o => o.Auth.Jwt.PoolsClaim, (o, v) => o.Auth.Jwt.PoolsClaim = v, "a text", text => text.Length > 0,
            "The claim that lists pools, as patterns with `*` and `?`. Without it all pools of the namespaces."),
        Text("Auth:Jwt:ActorsClaim", o => o.Auth.Jwt.ActorsClaim, (o, v) => o.Auth.Jwt.ActorsClaim = v, "a text", text => text.Length > 0,
            "The claim that lists actors, as patterns with `*` and `?` of their name, of `name/key`, or of their id. Without it all actors."),

        new ListKey("Tls:Certificates", ExistingFileEntry, _ => true, o => o.Tls.Certificates, (o, v) => o.Tls.Certificates = v,
            "PEM files, each with a certificate and then its intermediates, for `https://` endpoints that name no certificate of their own. Picked by the host name the client asks for; the first where none fits. Read again when they change: [tls.md](tls.md).")
        {
            DefaultText = "none",
        },
        new ListKey("Tls:Keys", ExistingFileEntry, _ => true, o => o.Tls.Keys, (o, v) => o.Tls.Keys = v,
            "PEM files with the keys of `Tls:Certificates`, in the same order, not encrypted. The default is that each key is in its certificate's file. Read again when they change.")
        {
            DefaultText = "none",
        },
        new ListKey("Tls:RedirectEndpoints", "the name of an http:// endpoint that serves clients", _ => true,
            o => o.Tls.RedirectEndpoints, (o, v) => o.Tls.RedirectEndpoints = v,
            "Endpoints that serve nothing and send clients on to https: GET and HEAD are answered 307, everything else 400.")
        {
            DefaultText = "none",
        },
        Number("Tls:RedirectPort", 1, ushort.MaxValue, o => o.Tls.RedirectPort, (o, v) => o.Tls.RedirectPort = v,
            "The port clients are sent on to: the one they see, which need not be the one Guard listens on."),

        Number("Limits:MaxRequestBodyBytes", 0, 1_125_899_906_842_624L, o => o.Limits.MaxRequestBodyBytes, (o, v) => o.Limits.MaxRequestBodyBytes = v,
            "Largest request body. Larger ones are answered 413. Of chunked bodies the lengths and line ends between chunks count too.", true),
        Number("Limits:RequestsPerClient", 0, 1_000_000_000, o => o.Limits.RequestsPerClient, (o, v) => o.Limits.RequestsPerClient = v,
            "Requests one client address may make per `Limits:RequestWindow`. 0 = no limit.", true),
        Duration("Limits:RequestWindow", TimeSpan.FromSeconds(1), Day, o => o.Limits.RequestWindow, (o, v) => o.Limits.RequestWindow = v,
            "The time `Limits:RequestsPerClient` counts over.", true),
        Number("Limits:ConcurrentPerClient", 0, 1_000_000_000, o => o.Limits.ConcurrentPerClient, (o, v) => o.Limits.ConcurrentPerClient = v,
            "Requests one client address may have open at the same time, WebSockets included. 0 = no limit.", true),
        Number("Limits:WebSocketsPerClient", 0, 1_000_000_000, o => o.Limits.WebSocketsPerClient, (o, v) => o.Limits.WebSocketsPerClient = v,
            "WebSockets one client address may have open at the same time. 0 = no limit.", true),
        Number("Limits:WebSockets", 0, 1_000_000_000, o => o.Limits.WebSockets, (o, v) => o.Limits.WebSockets = v,
            "WebSockets this Guard has open at the same time. 0 = no limit.", true),
        Number("Limits:ConnectionsPerClient", 0, 1_000_000_000, o => o.Limits.ConnectionsPerClient, (o, v) => o.Limits.ConnectionsPerClient = v,
            "Connections one address may have open to the gateway at the same time; further ones are closed. Trusted proxies have no such limit. 0 = no limit.", true),
        Number("Limits:Connections", 0, 1_000_000_000, o => o.Limits.Connections, (o, v) => o.Limits.Connections = v,
            "Connections the gateway has open at the same time; further ones are closed. Control and health endpoints do not count. 0 = no limit.", true),
        Number("Limits:MaxRequestHeaderBytes", 1024, 1_048_576, o => o.Limits.MaxRequestHeaderBytes, (o, v) => o.Limits.MaxRequestHeaderBytes = v,
            "Largest head of a request, all header lines together. Larger ones are answered 431."),
        Number("Limits:MaxRequestHeaders", 1, 10_000, o => o.Limits.MaxRequestHeaders, (o, v) => o.Limits.MaxRequestHeaders = v,
            "Most header lines of a request. More are answered 431."),
        Number("Limits:WakesPerPool", 0, 1_000_000_000, o => o.Limits.WakesPerPool, (o, v) => o.Limits.WakesPerPool = v,
            "Actors of one pool that requests may begin to wake per `Limits:WakeWindow`, on this Guard. Further requests for sleeping actors are refused; those that wait, or find their actor being started, are not counted. 0 = no limit.", true),
        Duration("Limits:WakeWindow", Ms, Hour, o => o.Limits.WakeWindow, (o, v) => o.Limits.WakeWindow = v,
            "The time `Limits:WakesPerPool` counts over.", true),
        Number("Limits:ShedHoldsAt", 0, 100, o => o.Limits.ShedHoldsAt, (o, v) => o.Limits.ShedHoldsAt = v,
            "No more requests are held while this process uses as many percent of the memory it may use (a container's limit less a quarter, or the machine's). At most `Limits:ShedRequestsAt`, where that is set. 0 = never.", true),
        Number("Limits:ShedRequestsAt", 0, 100, o => o.Limits.ShedRequestsAt, (o, v) => o.Limits.ShedRequestsAt = v,
            "Every request is refused while this process uses as many percent. 0 = never.", true),
        Duration("Limits:RequestHeadersTimeout", TimeSpan.FromSeconds(1), Hour, o => o.Limits.RequestHeadersTimeout, (o, v) => o.Limits.RequestHeadersTimeout = v,
            "How long a client may take to send the head of a request, from its first byte."),
        Duration("Limits:KeepAliveTimeout", TimeSpan.FromSeconds(1), Day, o => o.Limits.KeepAliveTimeout, (o, v) => o.Limits.KeepAliveTimeout = v,
            "How long a connection may stay open without a request. Longer than a load balancer in front keeps its own, so that it closes first."),
        Duration("Limits:ProbeIdleAfter", TimeSpan.FromSeconds(1), Day, o => o.Limits.ProbeIdleAfter, (o, v) => o.Limits.ProbeIdleAfter = v,
            "After this long without a sign of it, a client's machine is asked whether it is still there (TCP keep-alive, PING on HTTP/2); one that does not answer within a minute more is cut off."),
        Number("Limits:MinRequestBytesPerSecond", 0, 1_000_000_000, o => o.Limits.MinRequestBytesPerSecond, (o, v) => o.Limits.MinRequestBytesPerSecond = v,
            "Slowest a client may send the body of a request, on average while it is being read. 0 = no limit: then `Forwarding:ActivityTimeout` bounds each pause."),
        Number("Limits:MinResponseBytesPerSecond", 0, 1_000_000_000, o => o.Limits.MinResponseBytesPerSecond, (o, v) => o.Limits.MinResponseBytesPerSecond = v,
            "Slowest a client may take what it is sent, on average. A slower one is cut off. 0 = no limit."),
        Duration("Limits:RateGracePeriod", TimeSpan.FromSeconds(2), Hour, o => o.Limits.RateGracePeriod, (o, v) => o.Limits.RateGracePeriod = v,
            "How long either may be slower before it counts."),
        Number("Limits:MaxStreamResets", 1, 1_000_000, o => o.Limits.MaxStreamResets, (o, v) => o.Limits.MaxStreamResets = v,
            "Requests a client may cancel on one HTTP/2 connection before they are answered; when they are more than this and more than half of its requests, the connection gets GOAWAY and is closed after its other requests, or at once when 20 more are cancelled."),

        OptionalText("Control:Token", o => o.Control.Token, (o, v) => o.Control.Token = v, TokenForm, OptionSyntax.IsToken,
            "Bearer token of the control API, plain or hashed as `guard hash-token` prints it. Without it and `Control:Tokens`, every `Control*` endpoint must listen on a loopback address, or Guard refuses to start.", isSecret: true),
        new ListKey("Control:Tokens", TokenForm, OptionSyntax.IsToken,
            o => o.Control.Tokens, (o, v) => o.Control.Tokens = v,
            "Further tokens that may do all that `Control:Token` may: while one is replaced by another, both are valid. Each plain, or hashed as `guard hash-token` prints it.")
        {
            IsSecret = true, DefaultText = "none",
        },
        new ListKey("Control:ReadTokens", TokenForm, OptionSyntax.IsToken,
            o => o.Control.ReadTokens, (o, v) => o.Control.ReadTokens = v,
            "Tokens for dashboards: they may read and nothing else. Each plain, or hashed as `guard hash-token` prints it.")
        {
            IsSecret = true, DefaultText = "none",
        },
        new ListKey("Control:RunnerTokens", TokenForm, OptionSyntax.IsToken,
            o => o.Control.RunnerTokens, (o, v) => o.Control.RunnerTokens = v,
            "Tokens for runners: they may only register, send heartbeats and events, drain and delete runners. The first is what serverless endpoints are given.")
        {
            IsSecret = true, DefaultText = "none",
        },
        OptionalText("Control:AdvertisedUrl", o => o.Control.AdvertisedUrl, (o, v) => o.Control.AdvertisedUrl = v,
            "an http:// or https:// URL without user name, query and fragment", OptionSyntax.IsBaseUrl,
            "The control API's address as runners reach it. Needed by serverless pools that answer a start with 202."),

        Duration("Shutdown:Delay", Zero, Hour, o => o.Shutdown.Delay, (o, v) => o.Shutdown.Delay = v,
            "How long Guard goes on accepting requests after SIGTERM, while `/readyz` already says no, so that load balancers notice."),
        Duration("Shutdown:DrainTimeout", Zero, Day, o => o.Shutdown.DrainTimeout, (o, v) => o.Shutdown.DrainTimeout = v,
            "How long requests under way may then take to finish."),

        Number("Metrics:MaxPools", 1, 100_000, o => o.Metrics.MaxPools, (o, v) => o.Metrics.MaxPools = v,
            "Pools with labels of their own in metrics. Further pools share the label `other`."),

        Flag("ExposeErrors", o => o.ExposeErrors, (o, v) => o.ExposeErrors = v,
            "Adds exception text and full pool errors to replies. For development only."),
    ];

    private const string LabelForm = "1 to 63 of a-z 0-9 -, no - at the ends";
    private const string TokenForm = "visible ASCII characters without spaces";

    private static readonly FrozenDictionary<string, OptionKey> ByName = All.ToFrozenDictionary(key => key.Name);

    /// <param name="name">As declared; throws <see cref="KeyNotFoundException"/> for any other.</param>
    public static OptionKey Get(string name) => ByName[name];

    private static ScalarKey<TimeSpan> Duration(
        string name, TimeSpan min, TimeSpan max, Func<GuardOptions, TimeSpan> get, Action<GuardOptions, TimeSpan> set, string description, bool reloadable = false)
        => new(name, new DurationType(min, max), get, set, description) { IsReloadable = reloadable };

    private static ScalarKey<T> Number<T>(
        string name, T min, T max, Func<GuardOptions, T> get, Action<GuardOptions, T> set, string description, bool reloadable = false)
        where T : IBinaryInteger<T>
        => new(name, new NumberType<T>(min, max), get, set, description) { IsReloadable = reloadable };

    private static ScalarKey<bool> Flag(
        string name, Func<GuardOptions, bool> get, Action<GuardOptions, bool> set, string description, bool reloadable = false)
        => new(name, new FlagType(), get, set, description) { IsReloadable = reloadable };

    private static bool IsUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme is "http" or "https") && url.UserInfo.Length == 0;

    private static ScalarKey<T> Choice<T>(
        string name, Func<GuardOptions, T> get, Action<GuardOptions, T> set, string description, bool reloadable = false)
        where T : struct, Enum
        => new(name, new ChoiceType<T>(), get, set, description) { IsReloadable = reloadable };

    private static ScalarKey<string?> Text(
        string name, Func<GuardOptions, string> get, Action<GuardOptions, string> set, string allowed, Func<string, bool> isValid,
        string description, bool isSecret = false)
        => new(name, new TextType(allowed, isValid, isOptional: false), get, (o, v) => set(o, v!), description) { IsSecret = isSecret };

    private static ScalarKey<string?> OptionalText(
        string name, Func<GuardOptions, string?> get, Action<GuardOptions, string?> set, string allowed, Func<string, bool> isValid,
        string description, bool isSecret = false)
        => new(name, new TextType(allowed, isValid, isOptional: true), get, set, description) { IsSecret = isSecret };
}
