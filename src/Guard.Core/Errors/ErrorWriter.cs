using System.Globalization;
using System.Text.Json;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Core.Errors;

/// <summary>
/// The only writer of replies Guard itself makes: JSON, problem+json or, on a WebSocket handshake, a close frame (docs/contract.md, section 5).
/// Headers already on the response (CORS) stay.
/// </summary>
internal static class ErrorWriter
{
    private static readonly GuardOptions Defaults = new();

    /// <summary>
    /// Answers the request with the error; the server sends it when the request ends, a WebSocket's at once: then the task ends after the
    /// client's close or a few seconds. Never throws when the client is gone. A response that has begun cannot become an error: it is cut
    /// off, so that the client sees it is not whole.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="error">The answer.</param>
    /// <param name="options">In force now; null takes them from the request's services, which are made for it.</param>
    public static Task WriteAsync(HttpContext context, GuardError error, GuardOptions? options = null)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        switch (error.IsFraming ? HandshakeKind.None : WebSocketRefusal.Examine(context))
        {
            case HandshakeKind.Valid:
                WriteHeaders(context, error);
                return WebSocketRefusal.CloseAsync(context, error);
            case HandshakeKind.InvalidKey:
                error = GuardErrors.InvalidHeader("sec-websocket-key", "must be the base64 of 16 bytes");
                break;
            case HandshakeKind.InvalidVersion:
                error = GuardErrors.WebSocketVersion();
                WebSocketRefusal.WriteVersion(context);
                break;
        }

        WriteReply(context, error, options ?? context.RequestServices?.GetService<LiveOptions>()?.Current ?? Defaults);
        return Task.CompletedTask;
    }

    private static void WriteReply(HttpContext context, GuardError error, GuardOptions options)
    {
        var response = context.Response;
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

        // Not flushed: head, body and the end of the reply leave together.
        using var writer = new Utf8JsonWriter(response.BodyWriter);
        ErrorBody.Write(writer, error, problem, options.ExposeErrors, options.PoolHealth.MaxErrorBytes);
        writer.Flush();
        response.ContentLength = writer.BytesCommitted;
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
