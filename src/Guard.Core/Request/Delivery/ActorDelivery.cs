using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;

namespace Guard.Core.Request.Delivery;

/// <summary>
/// Brings the gateway's requests to their actors, again where <see cref="ReplayLoop"/> says so. Give each request to <see cref="TryBegin"/>
/// or to <see cref="DeliverAsync"/>. Thread-safe.
/// </summary>
internal sealed class ActorDelivery(ActorForwarder forwarder, ReplayLoop replays, CorsPolicy cors, LiveOptions options)
{
    /// <summary>Begins the first try of an ordinary request, which the caller sends itself; what came of it goes to <see cref="EndAsync"/>.</summary>
    /// <returns>Null, and nothing was done, for a request that takes the way of <see cref="DeliverAsync"/>.</returns>
    public ForwardExchange? TryBegin(GatewayRequest request, ActorRoute route)
    {
        if (request.IsWebSocket || ClimbsOut(request, route))
        {
            return null;
        }

        request.PrepareBody(options.Current);
        return Begin(request, route);
    }

    /// <summary>Ends the first try, with all further ones.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public ValueTask<RequestEnd> EndAsync(GatewayRequest request, ActorRoute route, in ForwardOutcome first)
        => first.Status == ForwardStatus.Done ? new(replays.Answered(route)) : replays.RunAsync(new Tries(this, request), route, first);

    /// <summary>Tries until the request is at its end.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public ValueTask<RequestEnd> DeliverAsync(GatewayRequest request, ActorRoute route)
    {
        request.PrepareBody(options.Current);
        return replays.RunAsync(new Tries(this, request), route, first: null);
    }

    private ValueTask<ForwardOutcome> TryAsync(GatewayRequest request, ActorRoute route)
    {
        if (ClimbsOut(request, route))
        {
            var error = GuardErrors.NoRoute(request.Context.Request.Headers.Host, PathOf(request.ForwardedTarget).ToString());
            return new(new ForwardOutcome(ForwardStatus.Failed, error));
        }

        // A try that ended without a reply for the client took them off.
        cors.Apply(request.Context);
        return request.IsWebSocket
            ? forwarder.ForwardWebSocketAsync(request.Context, route, request.ForwardedTarget)
            : ForwardAsync(request, route);
    }

    private async ValueTask<ForwardOutcome> ForwardAsync(GatewayRequest request, ActorRoute route)
    {
        var exchange = Begin(request, route);
        return exchange.Conclude(await exchange.SendAsync());
    }

    private ForwardExchange Begin(GatewayRequest request, ActorRoute route)
        => forwarder.Begin(request.Context, route, request.ForwardedTarget, request.Body);

    /// <summary>Above the actor's own root stands the runner's base path, and beside that Guard's channel.</summary>
    private static bool ClimbsOut(GatewayRequest request, ActorRoute route)
        => HttpLocations.Of(route.Runner!).HasBasePath && GuardChannelPath.ClimbsOut(PathOf(request.ForwardedTarget));

    private static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target.AsSpan(0, query);
    }

    /// <summary>The tries of one of the gateway's requests.</summary>
    private sealed class Tries(ActorDelivery delivery, GatewayRequest request) : ReplayedRequest
    {
        public override long Arrival => request.Arrival;

        public override bool SkipReadyWait => request.SkipReadyWait;

        public override bool CanReplay => request.CanReplay;

        public override CancellationToken ClientGone => request.Context.RequestAborted;

        public override ValueTask<ForwardOutcome> TryAsync(ActorRoute route) => delivery.TryAsync(request, route);
    }
}
