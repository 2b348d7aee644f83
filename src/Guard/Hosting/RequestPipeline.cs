using Guard.Configuration;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Transport.Http;

namespace Guard.Hosting;

/// <summary>What serves a request of each role.</summary>
/// <param name="Gateway">Must not throw: nothing is caught around it, unless <paramref name="GatewayMayThrow"/>.</param>
/// <param name="Control">May throw.</param>
/// <param name="Health">May throw.</param>
/// <param name="GatewayMayThrow">For a gateway that is not the request flow.</param>
internal sealed record RequestRoutes(RequestDelegate Gateway, RequestDelegate Control, RequestDelegate Health, bool GatewayMayThrow);

/// <summary>
/// The first step of every request, whatever listener it came in by: gives it its ray id, sends it the way of its listener's role, and
/// answers for what nobody else caught. Thread-safe.
/// </summary>
internal sealed partial class RequestPipeline(
    RequestRoutes routes, LiveOptions options, RayId rays, LastReply lastReply, ILogger<RequestPipeline> logger)
{
    public const string RayHeader = "x-rivet-ray-id";

    public Task InvokeAsync(HttpContext context)
    {
        var ray = rays.New();
        context.TraceIdentifier = ray;
        context.Response.Headers[RayHeader] = ray;
        var route = RouteOf(context);
        var isGateway = route == routes.Gateway;
        if (!isGateway || routes.GatewayMayThrow)
        {
            lastReply.MarkOnStart(context);
            return CatchAsync(context, route, yields: !isGateway);
        }

        // The request flow catches for itself, and HTTP/1.1 has no streams to reset: going on would cost each request a state machine.
        return HttpProtocol.IsHttp11(context.Request.Protocol) ? route(context) : CatchAsync(context, route, yields: false);
    }

    private async Task CatchAsync(HttpContext context, RequestDelegate route, bool yields)
    {
        var ray = context.TraceIdentifier;
        if (yields)
        {
            // Off the thread that serves sockets: reading and writing lists, or metrics, takes long enough for others to notice.
            await Task.Yield();
        }

        try
        {
            await route(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left, and what broke off is what was being done for it.
            LogClientGone(ray);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            // The server's own refusal while somebody read the body.
            await ErrorWriter.WriteAsync(context, ErrorOf(e));
        }
        catch (Exception e)
        {
            LogBug(ray, e);
            await AnswerAsync(context, e);
        }

        StreamResets.Count(context);
    }

    private static Task AnswerAsync(HttpContext context, Exception exception)
    {
        if (context.Response.HasStarted)
        {
            // Half a reply must not look like a whole one.
            context.Abort();
            return Task.CompletedTask;
        }

        return ErrorWriter.WriteAsync(context, GuardErrors.Internal(exception.ToString()));
    }

    private GuardError ErrorOf(BadHttpRequestException exception)
        => exception.StatusCode == StatusCodes.Status413PayloadTooLarge
            ? GuardErrors.RequestBodyTooLarge(options.Current.Limits.MaxRequestBodyBytes)
            : GuardErrors.InvalidFraming(exception.Message);

    private RequestDelegate RouteOf(HttpContext context) => context.Features.Get<EndpointRoleFeature>()?.Role switch
    {
        EndpointRole.Control => routes.Control,
        EndpointRole.Health => routes.Health,

        // Also without a role, which does not happen: the least a listener can be.
        _ => routes.Gateway,
    };

    [LoggerMessage(1, LogLevel.Debug, "The client of request {RayId} left", EventName = "ClientGone")]
    private partial void LogClientGone(string rayId);

    [LoggerMessage(2, LogLevel.Error, "Request {RayId} hit a bug in Guard", EventName = "UnhandledException")]
    private partial void LogBug(string rayId, Exception exception);
}
