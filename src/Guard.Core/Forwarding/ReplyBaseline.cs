using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Forwarding;

/// <summary>What stands on a response before a try, to be put back after one that failed: Guard's CORS headers and the ray id. Immutable.</summary>
internal readonly struct ReplyBaseline
{
    private readonly StringValues _allowOrigin;
    private readonly StringValues _allowCredentials;
    private readonly StringValues _exposeHeaders;
    private readonly StringValues _vary;

    public ReplyBaseline(IHeaderDictionary headers)
    {
        _allowOrigin = headers.AccessControlAllowOrigin;
        _allowCredentials = headers.AccessControlAllowCredentials;
        _exposeHeaders = headers.AccessControlExposeHeaders;
        _vary = headers.Vary;
    }

    /// <summary>Status 200, no reason phrase, and only the headers that stood there before. The response must not have started.</summary>
    public void Restore(HttpContext context)
    {
        context.Response.Clear();
        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = _allowOrigin;
        headers.AccessControlAllowCredentials = _allowCredentials;
        headers.AccessControlExposeHeaders = _exposeHeaders;
        headers.Vary = _vary;
        headers[HeaderRules.RayId] = context.TraceIdentifier;
    }

    public static void RemoveCors(IHeaderDictionary headers)
    {
        headers.AccessControlAllowOrigin = default;
        headers.AccessControlAllowCredentials = default;
        headers.AccessControlExposeHeaders = default;
        headers.Vary = default;
    }
}
