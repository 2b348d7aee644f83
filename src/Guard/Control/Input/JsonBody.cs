using System.Buffers;
using System.Net.Mime;
using Guard.Core.Errors;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Guard.Control.Input;

/// <summary>Reads a request's body whole, within a limit.</summary>
internal static class JsonBody
{
    /// <summary>Bytes of an ordinary body.</summary>
    public const int MaxBytes = 1_048_576;

    /// <summary>Bytes of a body that reports what went wrong: it may quote a whole page or a core's worth of stack. What is kept of it is
    /// cut (<c>PoolHealth:MaxErrorBytes</c>), and a report that is refused for its length would leave everyone waiting.</summary>
    public const int MaxReportBytes = 16_777_216;

    public static bool IsPresent(HttpContext context)
        => context.Request.ContentLength is > 0
            || (context.Request.ContentLength is null && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true });

    /// <summary>The body, of at most <paramref name="maxBytes"/>, or null after saying in <paramref name="errors"/> why there is none to use.</summary>
    public static async ValueTask<byte[]?> ReadAsync(HttpContext context, int maxBytes, InputErrors errors)
    {
        if (!IsPresent(context))
        {
            errors.Add("", "the body is empty; it must be JSON");
            return null;
        }

        if (!IsJson(context.Request.ContentType))
        {
            errors.Add("content-type", "must be application/json, in UTF-8");
            return null;
        }

        if (context.Request.ContentLength > maxBytes)
        {
            errors.Add(GuardErrors.RequestBodyTooLarge(maxBytes));
            return null;
        }

        try
        {
            return await ReadToEndAsync(context, maxBytes, errors);
        }
        catch (BadHttpRequestException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // Ended early, too slow, or chunks that are none: nothing after it can be trusted.
            errors.Add(GuardErrors.BadRequest(null, "the body ended before its length, or is not framed as HTTP says") with
            {
                CloseConnection = true,
            });
            return null;
        }
    }

    private static async ValueTask<byte[]?> ReadToEndAsync(HttpContext context, int maxBytes, InputErrors errors)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > maxBytes)
            {
                errors.Add(GuardErrors.RequestBodyTooLarge(maxBytes));
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                if (body.Length == 0)
                {
                    errors.Add("", "the body is empty; it must be JSON");
                    return null;
                }

                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static bool IsJson(string? contentType)
        => MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase));
}
