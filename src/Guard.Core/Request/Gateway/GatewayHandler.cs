using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Readiness;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Gateway;

/// <summary>
/// The request flow: name the actor, admit the request, hold it until the actor is ready, deliver it, finish. Everything up to the delivery is
/// synchronous for a cached ready actor. Thread-safe.
/// </summary>
internal sealed partial class GatewayHandler(
    RequestEntry entry,
    ReadinessGate readiness,
    ActorDelivery delivery,
    GatewayReplies replies,
    CorsPolicy cors,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    ILogger<GatewayHandler> logger)
{
    /// <summary>The whole of one request. Never throws; what goes wrong is answered, counted and logged here.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        using var request = new GatewayRequest(context, time.GetTimestamp(), options.Current.Readiness.Timeout);
        var end = RequestEnd.Cut;
        try
        {
            try
            {
                cors.Apply(context);
                var admitted = entry.Admit(request);

                // The way of nearly all is awaited here: an asynchronous method in between would be paid for by each request.
                end = admitted.Route is { } route && route.Serves(request.SkipReadyWait) && delivery.TryBegin(request, route) is { } exchange
                    ? await delivery.EndAsync(request, exchange.Route, exchange.Conclude(await exchange.SendAsync()))
                    : await ServeAsync(request, admitted);
            }
            catch (Exception e)
            {
                end = Broke(context, e);
            }

            if (end.Kind != RequestEndKind.Answered)
            {
                end = await FinishAsync(context, end);
            }
        }
        finally
        {
            Report(request, end);
        }
    }

    /// <summary>For all that do not go straight to a cached actor that is ready.</summary>
    private async ValueTask<RequestEnd> ServeAsync(GatewayRequest request, Admitted admitted)
    {
        var context = request.Context;
        switch (admitted.Kind)
        {
            case AdmittedKind.Refused:
                return RequestEnd.Refused(admitted.Error!);
            case AdmittedKind.Own:
                return await replies.AnswerAsync(context);
        }

        var (route, error) = admitted.Route is { } cached ? cached : await entry.LookUpAsync(request);
        if (route is not null && !route.Serves(request.SkipReadyWait))
        {
            var held = await readiness.HoldAsync(route, request.Deadline, request.SkipReadyWait, null, context.RequestAborted);
            (route, error) = (held.Route, held.Error);
        }

        return route is null ? RequestEnd.WithoutRoute(error) : await delivery.DeliverAsync(request, route);
    }

    /// <summary>Ends a request that has no answer yet. Never throws.</summary>
    private async ValueTask<RequestEnd> FinishAsync(HttpContext context, RequestEnd end)
    {
        var clientLeft = context.RequestAborted.IsCancellationRequested;
        if (end.Error is { } error && !clientLeft && !context.Response.HasStarted)
        {
            try
            {
                await replies.RefuseAsync(context, error);
                return end;
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // The client left while it was answered.
                return end;
            }
            catch (Exception e)
            {
                LogUnhandled(logger, e, context.TraceIdentifier);
            }
        }

        // What was sent of a reply must not look complete. Nor should a client that is taken to have left, and is there all the same, get
        // an empty 200.
        context.Abort();
        return end.Error is null ? end : clientLeft ? RequestEnd.ClientLeft : RequestEnd.Cut;
    }

    private RequestEnd Broke(HttpContext context, Exception exception)
    {
        if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
        {
            return RequestEnd.ClientLeft;
        }

        LogUnhandled(logger, exception, context.TraceIdentifier);
        return RequestEnd.Refused(GuardErrors.Internal(exception.ToString()));
    }

    private void Report(GatewayRequest request, RequestEnd end)
    {
        var context = request.Context;
        var status = end.Kind switch
        {
            RequestEndKind.ClientLeft when !context.Response.HasStarted => 499,
            RequestEndKind.Cut when !context.Response.HasStarted => 500,
            _ => context.Response.StatusCode,
        };
        var duration = request.UpgradedAt is { } upgraded ? time.GetElapsedTime(request.Arrival, upgraded) : time.GetElapsedTime(request.Arrival);
        metrics.RequestEnded(request.Form, context.Request.Method, status, duration);
    }

    [LoggerMessage(EventId = 1, EventName = "RequestBroke", Level = LogLevel.Error, Message = "Request {RayId} broke; this is a bug in Guard")]
    private static partial void LogUnhandled(ILogger logger, Exception exception, string rayId);
}
