using System.Collections.Concurrent;
using System.Globalization;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Prometheus;

namespace Guard.Core.Diagnostics;

/// <summary>How the client named its actor; <c>route</c> in metrics.</summary>
internal enum RouteForm
{
    None,
    Direct,
    Query,
    Header,
    WebSocket,
    Host,
}

/// <summary>How a hold ended; <c>outcome</c> in metrics.</summary>
internal enum HoldOutcome
{
    Ready,
    PoolError,
    StartFailed,
    Destroyed,
    Timeout,
    NoCapacity,
    Unavailable,
    ClientGone,
}

/// <summary>
/// Every metric of Guard. Names and labels are those of docs/contract.md, section 9. Children are bound once and kept: recording allocates nothing.
/// Thread-safe.
/// </summary>
internal sealed class GuardMetrics
{
    /// <summary>The nine methods of RFC 9110 and 5789; any other is <c>_OTHER</c>, so that a client cannot make labels.</summary>
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "_OTHER"];

    private static readonly string[] Forms = ["none", "direct", "query", "header", "websocket", "host"];

    private static readonly string[] Outcomes =
        ["ready", "pool_error", "start_failed", "destroyed", "timeout", "no_capacity", "unavailable", "client_gone"];

    private static readonly double[] RequestBuckets =
        [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60];

    private static readonly double[] ShortBuckets = [.00001, .0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5];

    private static readonly double[] HoldBuckets = [.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2.5, 5, 10, 20, 30, 60];

    // [form][method] -> status -> child: statuses are few and come from runners, so they are kept as they are met.
    private readonly ConcurrentDictionary<int, Counter.Child>[] _requests;
    private readonly ConcurrentDictionary<int, Histogram.Child>[] _requestDurations;
    private readonly Counter _requestsTotal;
    private readonly Histogram _requestDuration;
    private readonly Histogram.Child[] _holdDurations;
    private readonly Gauge _held;
    private readonly Histogram _resolveDuration;
    private readonly Counter _holdRejected;
    private readonly Counter _limitRejected;
    private readonly Counter _authFailures;
    private readonly Counter _wakes;
    private readonly Counter _failFast;
    private readonly Counter _healthReads;
    private readonly Counter _retries;
    private readonly Counter _lookups;
    private readonly Gauge _degraded;
    private readonly Histogram _storeOps;
    private readonly Gauge _runners;
    private readonly Gauge _certificateExpiry;
    private readonly Gauge _certificateReload;
    private readonly Counter _runnerEvents;
    private readonly PoolLabels<Gauge.Child> _poolRed;
    private readonly PoolLabels<Counter.Child> _poolToRed;
    private readonly PoolLabels<Counter.Child> _poolToGreen;
    private readonly PoolLabels<Counter.Child> _versionDrains;
    private readonly PoolLabels<Gauge.Child> _serverless;
    private readonly PoolLabels<PoolOutcomes> _connects;
    private readonly PoolLabels<Gauge.Child> _desired;
    private readonly PoolLabels<Gauge.Child> _backoff;
    private readonly PoolLabels<Counter.Child> _serverlessIgnored;
    private readonly ConcurrentDictionary<(Counter, string), Counter.Child> _counterChildren = new();
    private readonly ConcurrentDictionary<(Histogram, string), Histogram.Child> _histogramChildren = new();

    public GuardMetrics(LiveOptions options, CollectorRegistry? registry = null)
    {
        Registry = registry ?? Metrics.NewCustomRegistry();
        var f = Metrics.WithCustomRegistry(Registry);

        // Each observation would look for the trace it belongs to; the exposition format Guard serves does not carry it.
        f.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        var maxPools = options.Current.Metrics.MaxPools;

        _requestsTotal = f.CreateCounter("guard_requests_total",
            "Gateway requests answered, counted when the last byte of the reply was handed over or the client was gone; code is the HTTP status (499: the client left first).",
            "route", "method", "code");
        _requestDuration = f.CreateHistogram("guard_request_duration_seconds",
            "Time from a gateway request's arrival to the end of its reply, holds included, in seconds; upgraded connections count until their 101.",
            ["route", "code"], new HistogramConfiguration { Buckets = RequestBuckets });
        _resolveDuration = f.CreateHistogram("guard_resolve_duration_seconds",
            "Time to find an actor's route where it was not in the cache, in seconds; source is store (found or not) or create.",
            ["source"], new HistogramConfiguration { Buckets = ShortBuckets });
        var holdDuration = f.CreateHistogram("guard_hold_duration_seconds",
            "Time a request waited for its actor to become ready, counted when the wait ended, in seconds.",
            ["outcome"], new HistogramConfiguration { Buckets = HoldBuckets });
        _holdDurations = Outcomes.Select(o => holdDuration.WithLabels(o)).ToArray();
        _held = f.CreateGauge("guard_held_requests", "Requests that wait for an actor in this Guard now.");
        _holdRejected = f.CreateCounter("guard_hold_rejected_total",
            "Requests refused because a held limit was reached; scope is the limit (all, pool, actor), wakes (the pool's budget of wakes is spent) or memory.", "scope");
        _limitRejected = f.CreateCounter("guard_limit_rejected_total",
            "Requests and connections refused, each once, because a limit was reached before anything was looked up; limit is rate, concurrency, websockets, connections or memory.", "limit");
        _authFailures = f.CreateCounter("guard_auth_failures_total",
            "Gateway requests refused for their token; reason is missing, invalid (unknown, expired, or not for this Guard) or out_of_scope.", "reason");
        _wakes = f.CreateCounter("guard_wakes_total",
            "Start attempts of actors by this Guard, counted when each ended; result is ready, not_reached, refused, no_response, stopped, no_capacity, superseded, taken_over (begun by a Guard that died), destroyed or unavailable.",
            "result");
        _failFast = f.CreateCounter("guard_fail_fast_total",
            "Requests ended because their pool is red (mode enforce), or that would have been (mode report), by the kind of the pool error.",
            "pool_error", "mode");
        var poolRed = f.CreateGauge("guard_pool_red", "1 while this Guard knows the pool as red, else 0.", "namespace", "pool");
        var transitions = f.CreateCounter("guard_pool_transitions_total",
            "Changes of a pool's health as this Guard saw them; to is red or green.", "namespace", "pool", "to");
        _poolRed = new(maxPools, (n, p) => poolRed.WithLabels(n, p));
        _poolToRed = new(maxPools, (n, p) => transitions.WithLabels(n, p, "red"));
        _poolToGreen = new(maxPools, (n, p) => transitions.WithLabels(n, p, "green"));
        _healthReads = f.CreateCounter("guard_pool_health_reads_total",
            "Reads of pool health from the store (not from the cache); result is ok or failed.", "result");
        _retries = f.CreateCounter("guard_retries_total",
            "Requests sent again; reason is not_reached, not_my_actor or failed_try.", "reason");
        RouteCacheEntries = f.CreateGauge("guard_route_cache_entries", "Routes in the cache now.");
        _lookups = f.CreateCounter("guard_route_cache_lookups_total",
            "Look-ups of routes; result is hit, miss or negative (known not to exist).", "result");
        _runnerEvents = f.CreateCounter("guard_runner_events_total",
            "Events runners sent of their actors; result is ok, stale (that generation is over, or not on that runner: without effect) or unknown.",
            "event", "result");
        _runners = f.CreateGauge("guard_runners",
            "Runners known to the store, read when scraped; state is eligible, unresponsive or draining.", "namespace", "pool", "state");
        var versionDrains = f.CreateCounter("guard_runner_version_upgrade_drain_total",
            "Runners drained because a runner of a higher version serves in their pool, counted when each drain by version began, by the Guard that found it; drains by request are not counted.", "namespace", "pool");
        _versionDrains = new(maxPools, (n, p) => versionDrains.WithLabels(n, p));
        var serverless = f.CreateGauge("guard_serverless_connections",
            "Streams to serverless endpoints this Guard holds open after their init.", "namespace", "pool");
        _serverless = new(maxPools, (n, p) => serverless.WithLabels(n, p));
        var connects = f.CreateCounter("guard_serverless_connects_total",
            "Connects to serverless endpoints by this Guard, counted when each ended; outcome is init, a kind of pool error, or cancelled (another Guard manages the pool).",
            "namespace", "pool", "outcome");
        _connects = new(maxPools, (n, p) => new(outcome => connects.WithLabels(n, p, outcome)));
        var desired = f.CreateGauge("guard_serverless_desired_connections",
            "Connections the pool should have, by the Guard that manages it, set at each of its looks; 0 in every other Guard.", "namespace", "pool");
        _desired = new(maxPools, (n, p) => desired.WithLabels(n, p));
        var backoff = f.CreateGauge("guard_serverless_backoff_seconds",
            "Time until the pool's next connect may be tried after a failed one, in seconds, set at each look of the Guard that manages it; 0 when none waits.", "namespace", "pool");
        _backoff = new(maxPools, (n, p) => backoff.WithLabels(n, p));
        var ignored = f.CreateCounter("guard_serverless_ignored_messages_total",
            "Events that serverless endpoints sent after the first message of their stream, pings aside, counted as each arrived: Guard ignores them.", "namespace", "pool");
        _serverlessIgnored = new(maxPools, (n, p) => ignored.WithLabels(n, p));
        WebSockets = f.CreateGauge("guard_websockets", "WebSocket connections forwarded now.");
        StoreUp = f.CreateGauge("guard_store_up", "1 while the store answers, else 0.");
        _storeOps = f.CreateHistogram("guard_store_op_duration_seconds",
            "Time of calls to the store, in seconds; result is ok, failed or timeout.",
            ["op", "result"], new HistogramConfiguration { Buckets = ShortBuckets });
        _degraded = f.CreateGauge("guard_degraded", "1 while Guard serves with reduced service, by reason, else 0.", "reason");
        ConfigReloadSuccess = f.CreateGauge("guard_config_reload_success",
            "1 when the last load of the configuration validated, 0 when it did not and the values before it are kept.");
        ConfigReloadSuccess.Set(1);
        _certificateExpiry = f.CreateGauge("guard_tls_certificate_expiry_timestamp_seconds",
            "When the certificate in use expires, in seconds since 1970, set when it was loaded; certificate is its number in Guard:Tls:Certificates, runner_client or runner_authorities (of several the first to expire).", "certificate");
        _certificateReload = f.CreateGauge("guard_tls_certificate_reload_success",
            "1 when the certificate's files could be used at the last look, 0 when they could not and the certificate before stays in use.", "certificate");
        var build = f.CreateGauge("guard_build_info", "Always 1; the labels say what is running.", "version", "commit");
        build.WithLabels(BuildInfo.Version, BuildInfo.Commit).Set(1);

        _requests = NewTable<Counter.Child>(Forms.Length * Methods.Length);
        _requestDurations = NewTable<Histogram.Child>(Forms.Length);
        Lookups = new(_lookups.WithLabels("hit"), _lookups.WithLabels("miss"), _lookups.WithLabels("negative"));
    }

    public CollectorRegistry Registry { get; }

    public Gauge RouteCacheEntries { get; }

    public Gauge WebSockets { get; }

    public Gauge StoreUp { get; }

    public Gauge ConfigReloadSuccess { get; }

    /// <summary>Bound once for the hot path.</summary>
    public LookupCounters Lookups { get; }

    /// <param name="form">How the actor was named.</param>
    /// <param name="method">As the client sent it.</param>
    /// <param name="status">The reply's status; 499 when the client left before it.</param>
    /// <param name="duration">From arrival to the end of the reply.</param>
    public void RequestEnded(RouteForm form, string method, int status, TimeSpan duration)
    {
        var methodIndex = MethodIndex(method);
        var requests = _requests[((int)form * Methods.Length) + methodIndex];
        if (!requests.TryGetValue(status, out var counter))
        {
            counter = requests.GetOrAdd(status, _requestsTotal.WithLabels(Forms[(int)form], Methods[methodIndex], Text(status)));
        }

        counter.Inc();
        var durations = _requestDurations[(int)form];
        if (!durations.TryGetValue(status, out var histogram))
        {
            histogram = durations.GetOrAdd(status, _requestDuration.WithLabels(Forms[(int)form], Text(status)));
        }

        histogram.Observe(duration.TotalSeconds);
    }

    /// <param name="source"><c>store</c> or <c>create</c>.</param>
    /// <param name="duration">Time of the look-up.</param>
    public void Resolved(string source, TimeSpan duration) => Child(_resolveDuration, source).Observe(duration.TotalSeconds);

    public void HoldStarted() => _held.Inc();

    public void HoldEnded(HoldOutcome outcome, TimeSpan duration)
    {
        _held.Dec();
        _holdDurations[(int)outcome].Observe(duration.TotalSeconds);
    }

    /// <param name="scope"><c>all</c>, <c>pool</c>, <c>actor</c>, <c>wakes</c> or <c>memory</c>.</param>
    public void HoldRejected(string scope) => Child(_holdRejected, scope).Inc();

    /// <param name="limit"><c>rate</c>, <c>concurrency</c>, <c>websockets</c>, <c>connections</c> or <c>memory</c>.</param>
    public void LimitRejected(string limit) => Child(_limitRejected, limit).Inc();

    /// <param name="reason"><c>missing</c>, <c>invalid</c> or <c>out_of_scope</c>.</param>
    public void AuthFailed(string reason) => Child(_authFailures, reason).Inc();

    public void WakeEnded(string result) => Child(_wakes, result).Inc();

    /// <param name="error">The active error of the red pool; null counts as an internal error.</param>
    /// <param name="enforced">False in mode report.</param>
    public void FailedFast(PoolErrorKind? error, bool enforced)
        => _failFast.WithLabels((error ?? PoolErrorKind.InternalError).Name(), enforced ? "enforce" : "report").Inc();

    /// <summary>Call when the health this Guard holds of a pool changed colour.</summary>
    public void PoolTurned(PoolId pool, bool red)
    {
        _poolRed.For(pool).Set(red ? 1 : 0);
        (red ? _poolToRed : _poolToGreen).For(pool).Inc();
    }

    public void PoolHealthRead(bool ok) => Child(_healthReads, ok ? "ok" : "failed").Inc();

    /// <param name="reason"><c>not_reached</c>, <c>not_my_actor</c> or <c>failed_try</c>.</param>
    public void Retried(string reason) => Child(_retries, reason).Inc();

    public void RunnersDrainedByVersion(PoolId pool, int count) => _versionDrains.For(pool).Inc(count);

    public void SetServerlessConnections(PoolId pool, int count) => _serverless.For(pool).Set(count);

    /// <summary>Call at each look at a managed pool, and with zeros when it is not managed any more.</summary>
    public void SetServerlessPlan(PoolId pool, int desired, TimeSpan backoff)
    {
        _desired.For(pool).Set(desired);
        _backoff.For(pool).Set(backoff.TotalSeconds);
    }

    /// <param name="pool">Whose endpoint.</param>
    /// <param name="outcome"><c>init</c>, the name of a pool error, or <c>cancelled</c>.</param>
    public void ServerlessConnectEnded(PoolId pool, string outcome) => _connects.For(pool).Of(outcome).Inc();

    public void ServerlessMessageIgnored(PoolId pool) => _serverlessIgnored.For(pool).Inc();

    public void RunnerEvent(string kind, string result) => _runnerEvents.WithLabels(kind, result).Inc();

    /// <summary>Sets the number of runners of a pool in one state; call for every pool when scraped.</summary>
    public void SetRunners(string @namespace, string pool, string state, int count) => _runners.WithLabels(@namespace, pool, state).Set(count);

    /// <param name="label">Its number or what it is for; never a name or a path.</param>
    /// <param name="expiry">When it stops to be valid.</param>
    public void CertificateLoaded(string label, DateTimeOffset expiry)
    {
        _certificateExpiry.WithLabels(label).Set(expiry.ToUnixTimeSeconds());
        _certificateReload.WithLabels(label).Set(1);
    }

    /// <summary>Its files changed into something that cannot be used.</summary>
    public void CertificateRefused(string label) => _certificateReload.WithLabels(label).Set(0);

    public void StoreOp(string op, string result, TimeSpan duration) => _storeOps.WithLabels(op, result).Observe(duration.TotalSeconds);

    public void SetDegraded(string reason, bool degraded) => _degraded.WithLabels(reason).Set(degraded ? 1 : 0);

    private static int MethodIndex(string method)
    {
        for (var i = 0; i < Methods.Length - 1; i++)
        {
            if (Methods[i] == method)
            {
                return i;
            }
        }

        return Methods.Length - 1;
    }

    private static ConcurrentDictionary<int, T>[] NewTable<T>(int size)
        => Enumerable.Range(0, size).Select(_ => new ConcurrentDictionary<int, T>()).ToArray();

    private static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);

    private Counter.Child Child(Counter counter, string label)
        => _counterChildren.GetOrAdd((counter, label), static key => key.Item1.WithLabels(key.Item2));

    private Histogram.Child Child(Histogram histogram, string label)
        => _histogramChildren.GetOrAdd((histogram, label), static key => key.Item1.WithLabels(key.Item2));

    /// <summary>The counters of one pool, each bound when first met.</summary>
    private sealed class PoolOutcomes(Func<string, Counter.Child> bind)
    {
        private readonly ConcurrentDictionary<string, Counter.Child> _children = new();

        public Counter.Child Of(string outcome) => _children.GetOrAdd(outcome, bind);
    }

    /// <summary>The three results of a cache look-up.</summary>
    internal sealed record LookupCounters(Counter.Child Hit, Counter.Child Miss, Counter.Child Negative);
}
