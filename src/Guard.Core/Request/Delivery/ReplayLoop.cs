using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.State.Runners;
using Guard.Core.Transport;

namespace Guard.Core.Request.Delivery;

/// <summary>
/// Tries a request until it is delivered, or may not be tried again (<see cref="ReplayRules"/>). Before each further try the actor is looked
/// up anew and waited for under the request's one deadline. Thread-safe.
/// </summary>
internal sealed class ReplayLoop(
    RouteResolver resolver,
    RouteCache routes,
    UnroutedHold unrouted,
    ReadinessGate readiness,
    DisownedActors disowned,
    SuspectRunners suspects,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    Random random)
{
    /// <summary>All that is left to do after a first try that was <see cref="ForwardStatus.Done"/>: its runner can be reached.</summary>
    public RequestEnd Answered(ActorRoute route)
    {
        suspects.Clear(route.Runner!.RunnerId);
        return RequestEnd.Answered;
    }

    /// <summary>Runs to the request's end.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">Where to try first, or where it was tried.</param>
    /// <param name="first">What came of a first try that is over; null where none was made.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<RequestEnd> RunAsync(ReplayedRequest request, ActorRoute route, ForwardOutcome? first)
    {
        var tries = default(TryCounts);
        var outcome = first ?? await request.TryAsync(route);
        while (true)
        {
            if (outcome.IsFromRunner)
            {
                suspects.Clear(route.Runner!.RunnerId);
            }

            tries = tries.Add(outcome.Status);
            var decision = ReplayRules.Next(
                outcome, tries, request.CanReplay, options.Current.Retry.MaxAttempts, route.IdText, request.Deadline.Waited(time));
            switch (decision.Step)
            {
                case ReplayStep.End:
                    return EndOf(outcome.Status);
                case ReplayStep.GiveUp:
                    return RequestEnd.Refused(decision.Error!);
            }

            metrics.Retried(decision.Reason!);
            var next = await NextAsync(request, route, outcome.Status, decision.Step, tries);
            if (next.Route is null)
            {
                return RequestEnd.WithoutRoute(next.Error);
            }

            route = next.Route;
            outcome = await request.TryAsync(route);
        }
    }

    private static RequestEnd EndOf(ForwardStatus status) => status switch
    {
        ForwardStatus.Done => RequestEnd.Answered,
        ForwardStatus.Cut => RequestEnd.Cut,
        _ => RequestEnd.ClientLeft,
    };

    /// <summary>Where to try next: the actor as it is now, ready, and not the place that just failed before its time. Neither route nor error
    /// when the client left.</summary>
    private async Task<(ActorRoute? Route, GuardError? Error)> NextAsync(
        ReplayedRequest request, ActorRoute failed, ForwardStatus status, ReplayStep step, TryCounts tries)
    {
        // A request that was never held, because its actor was ready, has not met its pool's settings.
        await readiness.SettleAsync(request.Deadline, failed.Pool, request.ClientGone);
        var delay = step == ReplayStep.ResolveAfterBackoff
            ? RetryBackoff.Next(tries.NotReached + tries.Sent - 1, options.Current.Retry, request.Deadline.Left(time), random)
            : TimeSpan.Zero;
        if (status == ForwardStatus.NotReached)
        {
            suspects.Suspect(failed.Runner!.RunnerId);
        }
        else if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, time, request.ClientGone);
        }

        var (route, error) = await unrouted.ResolveAsync(
            ct => status == ForwardStatus.NotMyActor ? SettleAsync(failed, ct) : AnewAsync(failed, ct), request.Deadline, request.ClientGone);
        if (route is null)
        {
            return (null, error);
        }

        // A runner that cannot be reached may be back by then, or the actor moved, whichever comes first.
        var avoid = status == ForwardStatus.NotReached && route.Revision == failed.Revision ? (route, delay) : default((ActorRoute, TimeSpan)?);
        if (avoid is null && route.Serves(request.SkipReadyWait))
        {
            return (route, null);
        }

        var held = await readiness.HoldAsync(route, request.Deadline, request.SkipReadyWait, avoid, request.ClientGone);
        return (held.Route, held.Error);
    }

    private Task<Resolution> AnewAsync(ActorRoute failed, CancellationToken cancellationToken)
    {
        routes.Expire(failed);
        return resolver.ResolveAsync(failed.Id, cancellationToken);
    }

    private async Task<Resolution> SettleAsync(ActorRoute refused, CancellationToken cancellationToken)
        => await disowned.SettleAsync(refused, cancellationToken) is { } route ? route : GuardErrors.ActorNotFound();
}
