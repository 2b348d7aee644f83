using Guard.Core.Async;
using Guard.Core.Errors;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Model.Actors;

namespace Guard.Simulation.Processes;

/// <summary>
/// The request flow without HTTP: what <c>GatewayHandler</c> does, step by step, around the product's own look-up, hold and replay loop. Only
/// the exchange with the runner is the simulation's.
/// </summary>
internal sealed class GatewayEdge(
    World world,
    SimGuard guard,
    RouteResolver resolver,
    RouteCache routes,
    UnroutedHold unrouted,
    ReadinessGate readiness,
    ReplayLoop replays,
    SimTransport runners)
{
    private const string Name = "counter";

    private World World => world;

    private TimeProvider Time => guard.Process.Time;

    /// <summary>The whole of one request, in the Guard's process.</summary>
    public async Task ServeAsync(SimRequest request)
    {
        request.Deadline = new Deadline(Time.GetTimestamp(), world.Parameters.Options.Readiness.Timeout);
        world.Checks.RequestBegan(request);
        try
        {
            request.Error = (await AnswerAsync(request)).Error;
        }
        catch (OperationCanceledException) when (request.Client.IsCancellationRequested)
        {
        }

        world.Checks.RequestEnded(request);
    }

    private async Task<RequestEnd> AnswerAsync(SimRequest request)
    {
        var clientGone = request.Client.Token;
        ActorRoute? route = null;
        var id = request.Actor;
        if (request.Key is null || routes.TryFindId(NameKeys.Create(World.Pool.Namespace, Name, request.Key), out id))
        {
            route = routes.Find(id, request.Arrival, out var missing);
            if (missing || route is { IsDestroyed: true })
            {
                if (request.Key is null)
                {
                    return RequestEnd.Refused(GuardErrors.ActorNotFound());
                }

                // Gone for its id; its key may have a new one.
                route = null;
            }
        }

        if (route is null)
        {
            var resolution = await unrouted.ResolveAsync(ct => LookUpAsync(request, ct), request.Deadline, clientGone);
            if (resolution.Route is null)
            {
                return RequestEnd.WithoutRoute(resolution.Error);
            }

            route = resolution.Route;
        }

        request.Actor = route.Id;
        if (!route.IsReady)
        {
            var held = await readiness.HoldAsync(route, request.Deadline, false, null, clientGone);
            if (held.Route is null)
            {
                return RequestEnd.WithoutRoute(held.Error);
            }

            route = held.Route;
        }

        return await replays.RunAsync(new Tries(this, request), route, first: null);
    }

    private Task<Resolution> LookUpAsync(SimRequest request, CancellationToken cancellationToken)
        => request.Key is { } key
            ? resolver.ResolveAsync(
                new ActorQueryTarget(World.Pool.Namespace, Name, key, true, World.Pool.Name, null, null, CrashPolicy.Sleep), cancellationToken)
            : resolver.ResolveAsync(request.Actor, cancellationToken);

    private Task<ForwardOutcome> ForwardAsync(SimRequest request, ActorRoute route) => runners.RequestAsync(request, route);

    /// <summary>The tries of one request.</summary>
    private sealed class Tries(GatewayEdge edge, SimRequest request) : ReplayedRequest
    {
        public override Deadline Deadline => request.Deadline;

        public override bool SkipReadyWait => false;

        public override bool CanReplay => true;

        public override CancellationToken ClientGone => request.Client.Token;

        public override async ValueTask<ForwardOutcome> TryAsync(ActorRoute route)
        {
            request.IsForwarded = true;
            var outcome = await edge.ForwardAsync(request, route);
            outcome = edge.World.OutcomeOf?.Invoke(outcome) ?? outcome;
            edge.World.Checks.CameBack(request);
            request.NotMyActor += outcome.Status == ForwardStatus.NotMyActor ? 1 : 0;
            request.NotReached += outcome.Status == ForwardStatus.NotReached ? 1 : 0;
            return outcome;
        }
    }
}
