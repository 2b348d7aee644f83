using Guard.Core.Async;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.State.Runners;
using Guard.Core.Transport;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.Http;
using Guard.Model.Actors;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Processes;

/// <summary>
/// The request flow without HTTP: what <c>GatewayHandler</c> and <c>ActorDelivery</c> do, step by step, around the product's own look-up,
/// hold, replay rules and 421 handling. Only the exchange with the runner is the simulation's.
/// </summary>
internal sealed class GatewayEdge(
    World world,
    SimGuard guard,
    RouteResolver resolver,
    RouteCache routes,
    UnroutedHold unrouted,
    ReadinessGate readiness,
    DisownedActors disowned,
    SuspectRunners suspects,
    LiveOptions options)
{
    private const string Name = "counter";

    private TimeProvider Time => guard.Process.Time;

    /// <summary>The whole of one request, in the Guard's process.</summary>
    public async Task ServeAsync(SimRequest request)
    {
        request.Arrival = Time.GetTimestamp();
        world.Checks.RequestBegan(request);
        try
        {
            request.Error = await AnswerAsync(request);
        }
        catch (OperationCanceledException) when (request.Client.IsCancellationRequested)
        {
        }

        world.Checks.RequestEnded(request);
    }

    private async Task<GuardError?> AnswerAsync(SimRequest request)
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
                    return GuardErrors.ActorNotFound();
                }

                // Gone for its id; its key may have a new one.
                route = null;
            }
        }

        if (route is null)
        {
            var resolution = await unrouted.ResolveAsync(ct => LookUpAsync(request, ct), request.Arrival, clientGone);
            if (resolution.Route is null)
            {
                return resolution.Error;
            }

            route = resolution.Route;
        }

        request.Actor = route.Id;
        if (!route.IsReady)
        {
            var held = await readiness.HoldAsync(route, request.Arrival, false, null, clientGone);
            if (held.Route is null)
            {
                return held.Error;
            }

            route = held.Route;
        }

        return await DeliverAsync(request, route);
    }

    private Task<Resolution> LookUpAsync(SimRequest request, CancellationToken cancellationToken)
        => request.Key is { } key
            ? resolver.ResolveAsync(
                new ActorQueryTarget(World.Pool.Namespace, Name, key, true, World.Pool.Name, null, null, CrashPolicy.Sleep), cancellationToken)
            : resolver.ResolveAsync(request.Actor, cancellationToken);

    private async Task<GuardError?> DeliverAsync(SimRequest request, ActorRoute route)
    {
        var tries = default(TryCounts);
        while (true)
        {
            request.IsForwarded = true;
            var outcome = await ForwardAsync(request, route);
            world.Checks.CameBack(request);
            if (outcome.Status is ForwardStatus.Done or ForwardStatus.NotMyActor or ForwardStatus.FailedTry)
            {
                suspects.Clear(route.Runner!.RunnerId);
            }

            tries = tries.Add(outcome.Status);
            (request.NotMyActor, request.NotReached) = (tries.NotMyActor, tries.NotReached);
            var decision = ReplayRules.Next(
                outcome, tries, true, options.Current.Retry.MaxAttempts, route.IdText, Time.GetElapsedTime(request.Arrival));
            if (decision.Step is ReplayStep.End or ReplayStep.GiveUp)
            {
                return decision.Error;
            }

            var next = await NextAsync(request, route, outcome.Status, decision.Step, tries);
            if (next.Route is null)
            {
                return next.Error;
            }

            route = next.Route;
        }
    }

    private async Task<Resolution> NextAsync(SimRequest request, ActorRoute failed, ForwardStatus status, ReplayStep step, TryCounts tries)
    {
        var clientGone = request.Client.Token;
        var remaining = options.Current.Readiness.Timeout - Time.GetElapsedTime(request.Arrival);
        var delay = step == ReplayStep.ResolveAfterBackoff
            ? RetryBackoff.Next(tries.NotReached + tries.Sent - 1, options.Current.Retry, remaining, world.Random)
            : TimeSpan.Zero;
        if (status == ForwardStatus.NotReached)
        {
            suspects.Suspect(failed.Runner!.RunnerId);
        }
        else if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, Time, clientGone);
        }

        var resolution = await unrouted.ResolveAsync(
            ct => status == ForwardStatus.NotMyActor ? SettleAsync(failed, ct) : AnewAsync(failed, ct), request.Arrival, clientGone);
        if (resolution.Route is not { } route)
        {
            return resolution;
        }

        var avoid = status == ForwardStatus.NotReached && route.Revision == failed.Revision ? (route, delay) : default((ActorRoute, TimeSpan)?);
        if (avoid is null && route.IsReady)
        {
            return route;
        }

        var held = await readiness.HoldAsync(route, request.Arrival, false, avoid, clientGone);
        return new Resolution(held.Route, held.Error);
    }

    private Task<Resolution> AnewAsync(ActorRoute failed, CancellationToken cancellationToken)
    {
        routes.Expire(failed);
        return resolver.ResolveAsync(failed.Id, cancellationToken);
    }

    private async Task<Resolution> SettleAsync(ActorRoute refused, CancellationToken cancellationToken)
        => await disowned.SettleAsync(refused, cancellationToken) is { } route ? route : GuardErrors.ActorNotFound();

    /// <summary>One delivery to the route's runner.</summary>
    private async Task<ForwardOutcome> ForwardAsync(SimRequest request, ActorRoute route)
    {
        var runner = world.Runners.Single(r => $"http://{r.Host}" == route.Runner!.Endpoint);
        try
        {
            await RunnerTransport.ReachAsync(world, guard.Process, runner, request.Client.Token);
            var life = runner.Life;
            var served = await Wire.CallAsync(
                guard.Process,
                life.Process,
                new Fate(world.Delay(), world.Delay()),
                () => life.RequestAsync(request, route.Id, route.Generation),
                request.Client.Token);
            if (!served)
            {
                return new(ForwardStatus.NotMyActor);
            }

            request.ServedIn = route.Generation;
            return new(ForwardStatus.Done);
        }
        catch (RunnerUnreachableException)
        {
            return new(ForwardStatus.NotReached, LastError: "unreachable");
        }
        catch (IOException)
        {
            request.Broken++;
            return new(ForwardStatus.Failed, GuardErrors.UpstreamError("response", null));
        }
        catch (OperationCanceledException) when (request.Client.IsCancellationRequested)
        {
            return new(ForwardStatus.ClientGone);
        }
    }
}
