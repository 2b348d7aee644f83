using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Core.Errors;

/// <summary>The catalogue: the only place error codes are born. docs/contract.md, section 5; docs/errors.md says what to do about each.</summary>
internal static class GuardErrors
{
    /// <summary>Said where trying again helps but nobody knows when: the shortest the header can say.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static GuardError NoRoute(string? host, string path) => new("guard", "no_route", 404, "No actor is named by this request.")
    {
        Metadata = new() { Host = host, Path = path },
    };

    /// <summary>A request nobody sends by mistake: the connection is closed.</summary>
    public static GuardError InvalidRequest(string detail)
        => Invalid("invalid_request", "The request is not valid.", null, detail) with { CloseConnection = true };

    /// <summary>As <see cref="InvalidRequest"/>, for requests whose framing cannot be trusted.</summary>
    public static GuardError InvalidFraming(string detail) => InvalidRequest(detail) with { IsFraming = true };

    public static GuardError AmbiguousRoute(string detail)
        => Invalid("ambiguous_route", "Two parts of the request name different actors.", null, detail);

    public static GuardError MissingHeader(string name) => Invalid("missing_header", "A header is missing.", name, null);

    public static GuardError InvalidHeader(string name, string detail) => Invalid("invalid_header", "A header is not valid.", name, detail);

    /// <summary>A WebSocket handshake of a version other than 13.</summary>
    public static GuardError WebSocketVersion() => InvalidHeader("sec-websocket-version", "must be 13") with { Status = 426 };

    public static GuardError InvalidActorId(string detail) => Invalid("invalid_actor_id", "The actor id is not valid.", null, detail);

    public static GuardError QueryInvalidParams(string? name, string detail)
        => Invalid("query_invalid_params", "The rvt-* parameters are not valid.", name, detail);

    public static GuardError QueryDuplicateParam(string name)
        => Invalid("query_duplicate_param", "An rvt-* parameter is given more than once.", name, null);

    public static GuardError QueryInvalidPercentEncoding(string name)
        => Invalid("query_invalid_percent_encoding", "A value is not valid percent-encoded UTF-8.", name, null);

    public static GuardError QueryPathTokenSyntax()
        => Invalid("query_path_token_syntax", "The query form takes its token as rvt-token, not after '@' in the path.", "rvt-token", null);

    public static GuardError QueryEmptyActorName()
        => Invalid("query_empty_actor_name", "The actor name is empty.", null, "the name stands after /gateway/ in the path");

    public static GuardError QueryGetDisallowedParams(string name)
        => Invalid("query_get_disallowed_params", "The method 'get' does not take this parameter.", name, null);

    public static GuardError QueryMissingPool()
        => Invalid("query_missing_pool", "The method 'getOrCreate' needs rvt-pool.", "rvt-pool", null);

    public static GuardError QueryInvalidBase64Input()
        => Invalid("query_invalid_base64_input", "rvt-input is not base64url without padding.", "rvt-input", null);

    public static GuardError QueryInvalidCborInput()
        => Invalid("query_invalid_cbor_input", "rvt-input is not one well-formed CBOR value.", "rvt-input", null);

    public static GuardError NamespaceNotFound(string @namespace) => new("namespace", "not_found", 400, "The namespace does not exist.")
    {
        Metadata = new() { Namespace = @namespace },
    };

    public static GuardError DatacenterNotFound() => new("datacenter", "not_found", 400, "The datacenter does not exist.");

    public static GuardError NoRunnerConfig(string @namespace, string pool)
        => new("actor", "no_runner_config_configured", 400, "The pool has no runner-config.")
        {
            Metadata = new() { Namespace = @namespace, Pool = pool },
        };

    public static GuardError DuplicateKey(string actorId) => new("actor", "duplicate_key", 400, "An actor with this key exists.")
    {
        Metadata = new() { ActorId = actorId },
    };

    public static GuardError ActorNotFound() => new("actor", "not_found", 404, "The actor does not exist.");

    public static GuardError RunnerNotFound() => new("runner", "not_found", 404, "The runner does not exist, or must register again.");

    public static GuardError DestroyedWhileWaiting(string actorId)
        => new("actor", "destroyed_while_waiting_for_ready", 410, "The actor was destroyed while the request waited for it.")
        {
            Metadata = new() { ActorId = actorId },
        };

    /// <summary>The actor could not be started, or ended, for a reason of its own.</summary>
    public static GuardError ActorFailed(string actorId, ActorError error)
    {
        var (code, message) = error.Kind switch
        {
            ActorErrorKind.NoCapacity => ("no_capacity", "No runner of the pool had a free slot in time."),
            ActorErrorKind.RunnerNoResponse => ("runner_no_response", "The runner did not answer the start in time."),
            ActorErrorKind.RunnerConnectionLost => ("runner_connection_lost", "The connection to the actor's runner was lost."),
            ActorErrorKind.RunnerDrainingTimeout => ("runner_draining_timeout", "The actor did not stop in the time its runner had to drain."),
            ActorErrorKind.Crashed => ("crashed", "The actor crashed."),
            _ => ("crashed", "The actor failed for an internal reason."),
        };
        return new("actor", code, 503, message)
        {
            RetryAfter = Soon,
            Metadata = new() { ActorId = actorId, Error = error },
        };
    }

    /// <summary>No runner had a free slot in time.</summary>
    /// <param name="actorId">The actor.</param>
    /// <param name="connect">How the pool's last connect failed, of which only the kind is told; null when it did not.</param>
    public static GuardError NoCapacity(string actorId, PoolError? connect)
    {
        var error = ActorFailed(actorId, new(ActorErrorKind.NoCapacity));
        return connect is null ? error : error with { Metadata = error.Metadata! with { PoolError = new(connect.Kind) } };
    }

    public static GuardError ActorRunnerFailed(string actorId, PoolHealthSnapshot health, TimeSpan retryAfter)
        => new("guard", "actor_runner_failed", 503, "The actor's pool is failing, so the actor cannot start.")
        {
            RetryAfter = retryAfter,
            Metadata = new()
            {
                ActorId = actorId,
                Namespace = health.Pool.Namespace,
                Pool = health.Pool.Name,
                Since = health.RedSince,
                PoolError = health.ActiveError?.Error,
            },
        };

    public static GuardError ActorReadyTimeout(string actorId, TimeSpan waited)
        => Waited("actor_ready_timeout", "The actor did not become ready in time.", actorId, waited);

    public static GuardError WakeRetriesExceeded(string actorId, TimeSpan waited)
        => Waited("actor_wake_retries_exceeded", "The actor stopped each time before it was ready.", actorId, waited);

    public static GuardError StoppedWhileWaiting(string actorId, TimeSpan waited)
        => Waited("actor_stopped_while_waiting", "The actor stopped while the request waited for it.", actorId, waited);

    /// <param name="actorId">Null when the route was never known.</param>
    public static GuardError ServiceUnavailable(string? actorId, TimeSpan waited)
        => Waited("service_unavailable", "The actor cannot be reached right now.", actorId, waited);

    /// <param name="limit">How many may be held; null where memory is the limit.</param>
    /// <param name="scope"><c>all</c>, <c>pool</c>, <c>actor</c>, <c>wakes</c> or <c>memory</c>.</param>
    /// <param name="retryAfter">When there is room again, where that is known.</param>
    public static GuardError HoldLimitReached(int? limit, string scope, TimeSpan? retryAfter = null)
        => new("guard", "hold_limit_reached", 503, "Too many requests wait for actors to become ready.")
        {
            RetryAfter = retryAfter ?? Soon,
            Metadata = new() { Limit = limit, Scope = scope },
        };

    /// <param name="retryAfter">When the client has a place again, as far as is known.</param>
    /// <param name="limit">What one client may have.</param>
    /// <param name="scope"><c>requests</c>, <c>concurrent</c> or <c>websockets</c>.</param>
    public static GuardError RateLimit(TimeSpan retryAfter, int limit, string scope)
        => new("guard", "rate_limit", 429, "Too many requests from this client.")
        {
            RetryAfter = retryAfter,
            Metadata = new() { Limit = limit, Scope = scope },
        };

    /// <summary>Guard itself has no room for the request, whoever sent it.</summary>
    /// <param name="scope"><c>memory</c> or <c>websockets</c>.</param>
    /// <param name="limit">How many there may be; null where that is not a number of things.</param>
    public static GuardError Overloaded(string scope, int? limit = null)
        => new("guard", "service_unavailable", 503, "Guard has as much to do as it may have.")
        {
            RetryAfter = Soon,
            Metadata = new() { Limit = limit, Scope = scope },
        };

    public static GuardError RequestBodyTooLarge(long limit)
        => new("guard", "request_body_too_large", 413, "The request body is larger than allowed.")
        {
            Metadata = new() { Detail = $"at most {limit} bytes" },
            CloseConnection = true,
        };

    /// <param name="phase"><c>request</c> or <c>response</c>.</param>
    public static GuardError UpstreamError(string phase, string? exception)
        => new("guard", "upstream_error", 502, "The exchange with the actor failed.") { Metadata = new() { Phase = phase, Exception = exception } };

    /// <param name="phase">The limit that fired, e.g. <c>activity</c> or <c>handshake</c>.</param>
    public static GuardError RequestTimeout(string phase)
        => new("guard", "request_timeout", 504, "The actor did not answer in time.") { Metadata = new() { Phase = phase } };

    public static GuardError RetryAttemptsExceeded(int attempts, string lastError)
        => new("guard", "retry_attempts_exceeded", 502, "The request was tried as often as allowed.")
        {
            Metadata = new() { Attempts = attempts, LastError = lastError },
        };

    public static GuardError Unauthorized() => new("api", "unauthorized", 401, "A valid token is needed.");

    public static GuardError Forbidden() => new("api", "forbidden", 403, "This token may not do that.");

    public static GuardError ApiNotFound() => new("api", "not_found", 404, "There is no such call.");

    /// <param name="name">The field, parameter or header at fault; null when it is the whole body.</param>
    /// <param name="detail">What is wrong and what is allowed.</param>
    public static GuardError BadRequest(string? name, string detail)
        => new("api", "bad_request", 400, "The call is not valid.") { Metadata = new() { Name = name, Detail = detail } };

    /// <summary>A bug in Guard: always logged with the ray id.</summary>
    public static GuardError Internal(string? exception)
        => new("core", "internal_error", 500, "An internal error occurred.") { Metadata = exception is null ? null : new() { Exception = exception } };

    private static GuardError Invalid(string code, string message, string? name, string? detail)
        => new("guard", code, 400, message) { Metadata = name is null && detail is null ? null : new() { Name = name, Detail = detail } };

    private static GuardError Waited(string code, string message, string? actorId, TimeSpan waited)
        => new("guard", code, 503, message)
        {
            RetryAfter = Soon,
            Metadata = new() { ActorId = actorId, WaitedMs = (long)waited.TotalMilliseconds },
        };
}
