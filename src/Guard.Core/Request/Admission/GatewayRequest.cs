using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Model.Ids;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Guard.Core.Request.Admission;

/// <summary>One request on its way through the gateway. Used by one flow at a time; dispose it when the request is over.</summary>
/// <param name="context">The client's request.</param>
/// <param name="arrival">Timestamp of the time provider.</param>
/// <param name="limit">From the arrival to the deadline, where the pool has no limit of its own.</param>
internal sealed class GatewayRequest(HttpContext context, long arrival, TimeSpan limit) : IDisposable
{
    private Deadline? _deadline;

    /// <summary>What to look up: a boxed <see cref="ActorId"/> or an <see cref="ActorQueryTarget"/>; null where the route was cached.</summary>
    private object? _sought;
    private string? _forwardedTarget;
    private ClientPlace _place;

    public HttpContext Context => context;

    /// <summary>Timestamp of the time provider: every limit counts from it.</summary>
    public long Arrival => arrival;

    /// <summary>Made when it is first asked for: a request that goes straight to its actor has no use for it.</summary>
    public Deadline Deadline => _deadline ??= new(arrival, limit);

    public RouteForm Form { get; private set; }

    public bool SkipReadyWait { get; private set; }

    /// <summary>What the client's token is good for; null where none is needed, and before it was checked.</summary>
    public TokenScope? Scope { get; set; }

    /// <summary>The key a look-up in the store needs; null where it needs an id, or where the route was cached.</summary>
    public ActorQueryTarget? Query => _sought as ActorQueryTarget;

    /// <summary>Takes over the client's place, and gives it back when the request is over.</summary>
    public void Occupies(ClientPlace place) => _place = place;

    /// <summary>Path and query for the runner.</summary>
    /// <exception cref="InvalidOperationException">No actor was named.</exception>
    public string ForwardedTarget => _forwardedTarget ?? throw new InvalidOperationException("no actor was named");

    /// <summary>The request's body, made at the first try; null when it has none.</summary>
    public ReplayableBody? Body { get; private set; }

    /// <summary>Nothing of the request was consumed, or what was can be sent again.</summary>
    public bool CanReplay => Body is not { CanReplay: false };

    /// <summary>Takes over what was parsed; the spans of a target do not outlive the parser's buffer.</summary>
    public void Named(scoped in ActorTarget target)
    {
        Form = target.Form;
        SkipReadyWait = target.SkipReadyWait;
        _forwardedTarget = target.ForwardedTarget();
    }

    /// <summary>Keeps what a look-up in the store needs.</summary>
    public void Unresolved(scoped in ActorTarget target)
    {
        _sought = target.IsById ? target.Id : target.ToQuery();
    }

    public Task<Resolution> ResolveAsync(RouteResolver resolver, CancellationToken cancellationToken)
        => _sought is ActorQueryTarget query ? resolver.ResolveAsync(query, cancellationToken)
            : resolver.ResolveAsync((ActorId)_sought!, cancellationToken);

    /// <summary>When the answer began, for upgraded connections; null for all others, which are measured to their end.</summary>
    public long? UpgradedAt { get; private set; }

    /// <summary>It asks for a WebSocket.</summary>
    public bool IsWebSocket { get; private set; }

    /// <summary>Call once, before the first try.</summary>
    public void PrepareBody(GuardOptions options)
    {
        Body = ReplayableBody.For(context, options);

        // A body may pause, as a stream of an agent's words does: Forwarding:ActivityTimeout bounds the silence, not the server's 240 B/s.
        if (Body is not null && options.Limits.MinRequestBytesPerSecond == 0 && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }

    /// <summary>Measures a connection that may be upgraded until its 101: how long it lives then says nothing of Guard.</summary>
    public void WatchUpgrade(TimeProvider time)
    {
        IsWebSocket = true;
        context.Response.OnStarting(
            static state =>
            {
                var (request, time) = ((GatewayRequest, TimeProvider))state;
                request.UpgradedAt = time.GetTimestamp();
                return Task.CompletedTask;
            },
            (this, time));
    }

    public void Dispose()
    {
        _place.Exit();
        Body?.Dispose();
    }
}
