using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.State.Runners;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Request.Delivery;

/// <summary>
/// Brings a request to its actor, again where <see cref="ReplayRules"/> allow it: each time the actor is looked up anew and waited for
/// under the request's one deadline. Thread-safe.
/// </summary>
internal sealed class ActorDelivery(
    ActorForwarder forwarder,
    RouteResolver resolver,
    RouteCache routes,
    UnroutedHold unrouted,
    ReadinessGate readiness,
    DisownedActors disowned,
    CorsPolicy cors,
    SuspectRunners suspects,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time)
{
    /// <summary>The first try of an ordinary request in three steps, of which the caller awaits the second itself: an asynchronous method more
    /// on the way is paid for by each request.</summary>
    /// <returns>Null for a request that takes the way of <see cref="DeliverAsync"/>.</returns>
    public ForwardExchange? TryBegin(GatewayRequest request, ActorRoute route) => request.IsWebSocket || ClimbsOut(request, route) ? null : Begin(request, route);

    /// <summary>The second step; give what it returns to <see cref="EndAsync"/>.</summary>
    public ValueTask<ForwarderError> SendAsync(ForwardExchange exchange) => forwarder.SendAsync(exchange);

    /// <summary>The third step, with all further tries.</summary>
    /// <returns>As <see cref="DeliverAsync"/>.</returns>
    public ValueTask<GuardError?> EndAsync(GatewayRequest request, ForwardExchange exchange, ForwarderError error)
    {
        var outcome = forwarder.End(exchange, error);
        return IsDone(request, exchange.Route, outcome) ? new((GuardError?)null) : RepeatAsync(request, exchange.Route, outcome);
    }

    /// <summary>Null when the reply went to the client, or the client left; else what to answer.</summary>
    public ValueTask<GuardError?> DeliverAsync(GatewayRequest request, ActorRoute route) => RepeatAsync(request, route, failed: null);

    /// <summary>Tries until it is delivered, or may not be tried again.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">Where to try first, or where it was tried.</param>
    /// <param name="failed">What came of a first try that is over; null where none was made.</param>
    private async ValueTask<GuardError?> RepeatAsync(GatewayRequest request, ActorRoute route, ForwardOutcome? failed)
    {
        var tries = default(TryCounts);
        while (true)
        {
            if (failed is not { } outcome)
            {
                if (ClimbsOut(request, route))
                {
                    // Above the actor's own root stands the runner's base path, and beside that Guard's channel.
                    return GuardErrors.NoRoute(request.Context.Request.Headers.Host, PathOf(request.ForwardedTarget).ToString());
                }

                outcome = await TryAsync(request, route);
                if (IsDone(request, route, outcome))
                {
                    return null;
                }
            }

            failed = null;
            tries = tries.Add(outcome.Status);
            var decision = ReplayRules.Next(
                outcome, tries, request.CanReplay, options.Current.Retry.MaxAttempts, route.IdText, time.GetElapsedTime(request.Arrival));
            if (decision.Step is ReplayStep.End or ReplayStep.GiveUp)
            {
                return decision.Error;
            }

            metrics.Retried(decision.Reason!);
            var next = await NextAsync(request, route, outcome.Status, decision.Step, tries);
            if (next.Route is null)
            {
                return next.Error;
            }

            route = next.Route;
            cors.Apply(request.Context);
        }
    }

    private ValueTask<ForwardOutcome> TryAsync(GatewayRequest request, ActorRoute route)
        => request.IsWebSocket
            ? forwarder.ForwardWebSocketAsync(request.Context, route, request.ForwardedTarget, CancellationToken.None)
            : ForwardAsync(request, route);

    private async ValueTask<ForwardOutcome> ForwardAsync(GatewayRequest request, ActorRoute route)
    {
        var exchange = Begin(request, route);
        return forwarder.End(exchange, await forwarder.SendAsync(exchange));
    }

    private ForwardExchange Begin(GatewayRequest request, ActorRoute route)
        => forwarder.Begin(request.Context, route, request.ForwardedTarget, request.Body, CancellationToken.None);

    private bool IsDone(GatewayRequest request, ActorRoute route, in ForwardOutcome outcome)
    {
        if (outcome.Status is ForwardStatus.Done or ForwardStatus.NotMyActor or ForwardStatus.FailedTry)
        {
            // It answered, so it can be reached.
            suspects.Clear(route.Runner!.RunnerId);
        }

        return request.IsAnswered = outcome.Status == ForwardStatus.Done;
    }

    private static bool ClimbsOut(GatewayRequest request, ActorRoute route)
        => HttpLocations.Of(route.Runner!).HasBasePath && GuardChannelPath.ClimbsOut(PathOf(request.ForwardedTarget));

    /// <summary>Where to try next: the actor as it is now, ready, and not the place that just failed before its time.</summary>
    private async Task<Resolution> NextAsync(GatewayRequest request, ActorRoute failed, ForwardStatus status, ReplayStep step, TryCounts tries)
    {
        var clientGone = request.Context.RequestAborted;
        var retries = tries.NotReached + tries.Sent - 1;
        var remaining = options.Current.Readiness.Timeout - time.GetElapsedTime(request.Arrival);
        var delay = step == ReplayStep.ResolveAfterBackoff
            ? RetryBackoff.Next(retries, options.Current.Retry, remaining, Random.Shared)
            : TimeSpan.Zero;
        if (status == ForwardStatus.NotReached)
        {
            suspects.Suspect(failed.Runner!.RunnerId);
        }
        else if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, time, clientGone);
        }

        var resolution = status == ForwardStatus.NotMyActor
            ? await unrouted.ResolveAsync(ct => SettleAsync(failed, ct), request.Arrival, clientGone)
            : await unrouted.ResolveAsync(ct => AnewAsync(failed, ct), request.Arrival, clientGone);
        if (resolution.Route is not { } route)
        {
            return resolution;
        }

        // A runner that cannot be reached may be back by then, or the actor moved, whichever comes first.
        var avoid = status == ForwardStatus.NotReached && route.Revision == failed.Revision ? (route, delay) : default((ActorRoute, TimeSpan)?);
        if (avoid is null && route.Serves(request.SkipReadyWait))
        {
            return route;
        }

        var held = await readiness.HoldAsync(route, request.Arrival, request.SkipReadyWait, avoid, clientGone);
        return new Resolution(held.Route, held.Error);
    }

    private static ReadOnlySpan<char> PathOf(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target.AsSpan(0, query);
    }

    private Task<Resolution> AnewAsync(ActorRoute failed, CancellationToken cancellationToken)
    {
        routes.Expire(failed);
        return resolver.ResolveAsync(failed.Id, cancellationToken);
    }

    private async Task<Resolution> SettleAsync(ActorRoute refused, CancellationToken cancellationToken)
        => await disowned.SettleAsync(refused, cancellationToken) is { } route ? route : GuardErrors.ActorNotFound();
}
