using Guard.Core.Async;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Transport;

namespace Guard.Core.Request.Delivery;

/// <summary>
/// Brings the gateway's requests to their actors, again where <see cref="ReplayLoop"/> says so. Give each request to <see cref="TryBegin"/>
/// or to <see cref="DeliverAsync"/>. Thread-safe.
/// </summary>
internal sealed class ActorDelivery(RunnerTransports runners, ReplayLoop replays, CorsPolicy cors, LiveOptions options)
{
    /// <summary>Begins the first try of an ordinary request, which the caller sends itself; what came of it goes to <see cref="EndAsync"/>.</summary>
    /// <returns>Null, and nothing was done, for a request that takes the way of <see cref="DeliverAsync"/>.</returns>
    public RunnerExchange? TryBegin(GatewayRequest request, ActorRoute route)
    {
        var transport = runners.Of(route.Runner!);
        if (request.IsWebSocket || !transport.Admits(route.Runner!, request.ForwardedTarget))
        {
            return null;
        }

        request.PrepareBody(options.Current);
        return transport.Begin(request.Context, route, request.ForwardedTarget, request.Body);
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
        var transport = runners.Of(route.Runner!);
        if (!transport.Admits(route.Runner!, request.ForwardedTarget))
        {
            var error = GuardErrors.NoRoute(request.Context.Request.Headers.Host, PathOf(request.ForwardedTarget).ToString());
            return new(new ForwardOutcome(ForwardStatus.Failed, error));
        }

        // A try that ended without a reply for the client took them off.
        cors.Apply(request.Context);
        return request.IsWebSocket
            ? transport.UpgradeAsync(request.Context, route, request.ForwardedTarget)
            : SendAsync(transport.Begin(request.Context, route, request.ForwardedTarget, request.Body));
    }

    private static async ValueTask<ForwardOutcome> SendAsync(RunnerExchange exchange) => exchange.Conclude(await exchange.SendAsync());

    private static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target.AsSpan(0, query);
    }

    /// <summary>The tries of one of the gateway's requests.</summary>
    private sealed class Tries(ActorDelivery delivery, GatewayRequest request) : ReplayedRequest
    {
        public override Deadline Deadline => request.Deadline;

        public override bool SkipReadyWait => request.SkipReadyWait;

        public override bool CanReplay => request.CanReplay;

        public override CancellationToken ClientGone => request.Context.RequestAborted;

        public override ValueTask<ForwardOutcome> TryAsync(ActorRoute route) => delivery.TryAsync(request, route);
    }
}
