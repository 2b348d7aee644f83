using System.Text.Json;
using Guard.Core.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Request.Gateway;

/// <summary><c>GET /metadata</c> of the gateway: what runs here. The one path that names no actor and has an answer.</summary>
internal static class Metadata
{
    private static readonly byte[] Body =
        [.. "{\"runtime\":\"guard\",\"version\":\""u8, .. JsonEncodedText.Encode(BuildInfo.Version).EncodedUtf8Bytes, .. "\"}"u8];

    public static bool Matches(HttpRequest request, string rawTarget)
        => (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            && (rawTarget == "/metadata" || rawTarget.StartsWith("/metadata?", StringComparison.Ordinal));

    public static async Task WriteAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(Body, context.RequestAborted);
        }
    }
}
