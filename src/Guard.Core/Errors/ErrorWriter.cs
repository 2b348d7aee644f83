using System.Globalization;
using System.Text.Json;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Core.Errors;

/// <summary>
/// The only writer of replies Guard itself makes: JSON, problem+json or, on a WebSocket handshake, a close frame (CONTRACT section 5).
/// Headers already on the response (CORS) stay. Takes <see cref="LiveOptions"/> and <see cref="TimeProvider"/> from the request's services.
/// </summary>
internal static class ErrorWriter
{
    private static readonly GuardOptions Defaults = new();

    /// <summary>
    /// Answers the request with the error; the task ends when the reply was handed over, on a WebSocket after the client's close or a few
    /// seconds. Never throws when the client is gone. A response that has begun cannot become an error: it is cut off, so that the client
    /// sees it is not whole.
    /// </summary>
    public static async Task WriteAsync(HttpContext context, GuardError error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        switch (error.IsFraming ? WebSocketHandshake.None : WebSocketRefusal.Examine(context))
        {
            case WebSocketHandshake.Valid:
                WriteHeaders(context, error);
                await WebSocketRefusal.CloseAsync(context, error);
                return;
            case WebSocketHandshake.InvalidKey:
                error = GuardErrors.InvalidHeader("sec-websocket-key", "must be the base64 of 16 bytes");
                break;
            case WebSocketHandshake.InvalidVersion:
                error = GuardErrors.WebSocketVersion();
                WebSocketRefusal.WriteVersion(context);
                break;
        }

        await WriteBodyAsync(context, error);
    }

    private static async Task WriteBodyAsync(HttpContext context, GuardError error)
    {
        var response = context.Response;
        var options = context.RequestServices?.GetService<LiveOptions>()?.Current ?? Defaults;
        var problem = ErrorFormat.WantsProblem(context.Request.Headers.Accept);
        response.StatusCode = error.Status;
        response.ContentType = problem ? ErrorFormat.Problem : ErrorFormat.Json;
        WriteHeaders(context, error);
        if (error.RetryAfter is { } retryAfter)
        {
            response.Headers.RetryAfter = WholeSeconds(retryAfter).ToString(CultureInfo.InvariantCulture);
        }

        if (error.CloseConnection)
        {
            ConnectionClose.AfterReply(context);
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        try
        {
            using (var writer = new Utf8JsonWriter(response.BodyWriter))
            {
                ErrorBody.Write(writer, error, problem, options.ExposeErrors, options.PoolHealth.MaxErrorBytes);
                writer.Flush();
                response.ContentLength = writer.BytesCommitted;
            }

            await response.BodyWriter.FlushAsync(context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client left: nobody is there to be told.
        }
    }

    private static void WriteHeaders(HttpContext context, GuardError error)
    {
        var headers = context.Response.Headers;
        headers["x-rivet-error"] = error.FullCode;
        headers["x-rivet-ray-id"] = context.TraceIdentifier;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        if (error.Status == StatusCodes.Status401Unauthorized)
        {
            headers.WWWAuthenticate = "Bearer";
        }
    }

    /// <summary>Rounded up: a client that comes when told must not be too early.</summary>
    private static long WholeSeconds(TimeSpan retryAfter) => Math.Max(1, (long)Math.Ceiling(retryAfter.TotalSeconds));
}
