using System.Runtime.CompilerServices;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Gateway;

/// <summary>
/// The request flow: check the framing, parse the target, resolve its route, hold until the actor is ready, deliver, report. Everything up
/// to the delivery is synchronous for a cached ready actor. Thread-safe.
/// </summary>
internal sealed partial class GatewayHandler(
    GatewayRequestChecks checks,
    RequestAdmission admission,
    TargetParser parser,
    RouteResolver resolver,
    UnroutedHold unrouted,
    ReadinessGate readiness,
    ActorDelivery delivery,
    CorsPolicy cors,
    LastReply lastReply,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    ILogger<GatewayHandler> logger)
{
    /// <summary>The whole of one request. Never throws; what goes wrong is answered, counted and logged here.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        using var request = new GatewayRequest(context, time.GetTimestamp());
        GuardError? error;
        try
        {
            cors.Apply(context);
            error = Admit(request, out var route);
            if (error is null)
            {
                error = TryBegin(request, route) is { } exchange
                    ? await delivery.EndAsync(request, exchange.Route, exchange.Conclude(await exchange.SendAsync()))
                    : await ServeAsync(request, route);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; there is nobody to answer and nobody to blame.
            error = null;
        }
        catch (Exception e)
        {
            LogUnhandled(logger, e, context.TraceIdentifier);
            error = GuardErrors.Internal(e.ToString());
        }

        if (error is not null && !context.RequestAborted.IsCancellationRequested)
        {
            await RefuseAsync(context, error);
            request.IsAnswered = true;
        }
        else if (error is null && !request.IsAnswered && !context.Response.HasStarted)
        {
            // The client is taken to have left. Should it be there all the same, an empty 200 would be a lie.
            context.Abort();
        }

        Report(request);
    }

    /// <summary>Checks, parses and looks into the cache, without waiting for anything.</summary>
    /// <param name="request">The request; takes over what was parsed.</param>
    /// <param name="route">The cached route; null on a miss, and when the request is answered without an actor.</param>
    [SkipLocalsInit]
    internal GuardError? Admit(GatewayRequest request, out ActorRoute? route)
    {
        route = null;
        var context = request.Context;

        // Cancelled before it was looked at, as floods of HTTP/2 streams are: nothing is looked up or started for it.
        context.RequestAborted.ThrowIfCancellationRequested();
        if (checks.Check(context) is { } malformed)
        {
            return malformed;
        }

        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var isWebSocket = UpgradeRules.Of(context) == UpgradeKind.WebSocket;
        if (admission.Enter(request, isWebSocket) is { } refused)
        {
            return refused;
        }

        if (CorsPolicy.IsPreflight(context.Request))
        {
            return null;
        }

        Span<char> scratch = stackalloc char[TargetParser.ScratchLength];
        if (isWebSocket)
        {
            request.WatchUpgrade(time);
        }

        var source = TargetRequest.From(rawTarget, context.Request.Headers.Host, context.Request.Headers, isWebSocket);
        if (parser.Parse(source, scratch, out var target) is { } unnamed)
        {
            // An actor that is named by headers or host may have such a path of its own.
            return Metadata.Matches(context.Request, rawTarget) && unnamed.Status == StatusCodes.Status404NotFound ? null : unnamed;
        }

        request.Named(target);
        if (admission.Check(request, target) is { } stranger)
        {
            return stranger;
        }

        route = resolver.TryResolve(target, request.Arrival, out var error);
        if (route is null && error is null)
        {
            request.Unresolved(target);
            return null;
        }

        return admission.CheckScope(request, route, error);
    }

    /// <summary>The way of nearly all: straight to a cached actor that is ready.</summary>
    private ForwardExchange? TryBegin(GatewayRequest request, ActorRoute? route)
    {
        if (route is null || !route.Serves(request.SkipReadyWait))
        {
            return null;
        }

        request.PrepareBody(options.Current);
        return delivery.TryBegin(request, route);
    }

    private ValueTask<GuardError?> ServeAsync(GatewayRequest request, ActorRoute? route)
        => request.Form == RouteForm.None ? AnswerAsync(request)
            : route is not null && route.Serves(request.SkipReadyWait) ? delivery.DeliverAsync(request, route)
            : HoldAsync(request, route);

    /// <summary>For actors whose route is not cached, and those that are not ready: apart, so that others do not pay for it.</summary>
    private async ValueTask<GuardError?> HoldAsync(GatewayRequest request, ActorRoute? route)
    {
        var context = request.Context;
        if (route is null)
        {
            (route, var unresolved) = await unrouted.ResolveAsync(ct => request.ResolveAsync(resolver, ct), request.Arrival, context.RequestAborted);
            if (admission.CheckScope(request, route, unresolved) is { } error)
            {
                return error;
            }
        }

        if (!route!.Serves(request.SkipReadyWait))
        {
            var held = await readiness.HoldAsync(route, request.Arrival, request.SkipReadyWait, null, context.RequestAborted);
            if (held.Route is null)
            {
                return held.Error;
            }

            route = held.Route;
        }

        request.PrepareBody(options.Current);
        return await delivery.DeliverAsync(request, route);
    }

    /// <summary>What the gateway answers itself: preflights of any gateway form, and its own metadata.</summary>
    private async ValueTask<GuardError?> AnswerAsync(GatewayRequest request)
    {
        var context = request.Context;
        lastReply.MarkOnStart(context);
        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!CorsPolicy.IsPreflight(context.Request))
        {
            await Metadata.WriteAsync(context);
            request.IsAnswered = true;
            return null;
        }

        if (!parser.IsGatewayForm(TargetRequest.From(rawTarget, context.Request.Headers.Host, context.Request.Headers, isWebSocket: false)))
        {
            return GuardErrors.NoRoute(context.Request.Headers.Host, rawTarget);
        }

        cors.AnswerPreflight(context);
        request.IsAnswered = true;
        return null;
    }

    private async Task RefuseAsync(HttpContext context, GuardError error)
    {
        if (context.Response.HasStarted)
        {
            // Too late for an answer: what was sent must not look complete.
            context.Abort();
            return;
        }

        cors.Apply(context);
        lastReply.MarkOnStart(context);
        try
        {
            await ErrorWriter.WriteAsync(context, error, options.Current);
            if (error.Status == StatusCodes.Status413PayloadTooLarge)
            {
                await LingeringClose.DrainAsync(context, time);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client left while it was answered.
        }
    }

    private void Report(GatewayRequest request)
    {
        var context = request.Context;
        var status = !request.IsAnswered && !context.Response.HasStarted ? 499 : context.Response.StatusCode;
        var duration = request.UpgradedAt is { } upgraded ? time.GetElapsedTime(request.Arrival, upgraded) : time.GetElapsedTime(request.Arrival);
        metrics.RequestEnded(request.Form, context.Request.Method, status, duration);
    }

    [LoggerMessage(EventId = 1, EventName = "RequestBroke", Level = LogLevel.Error, Message = "Request {RayId} broke; this is a bug in Guard")]
    private static partial void LogUnhandled(ILogger logger, Exception exception, string rayId);
}
