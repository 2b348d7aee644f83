using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Cross-origin rules of the gateway (<c>Gateway:Cors:AllowedOrigins</c>, followed as it is reloaded). <c>*</c> answers everybody without
/// credentials; an exact origin, and <c>null</c> only where it is listed, is echoed with credentials. Thread-safe.
/// </summary>
internal sealed class CorsPolicy(LiveOptions options)
{
    /// <summary>What scripts may read of Guard's own headers where <c>*</c> does not stand for them (it does not with credentials).</summary>
    private const string Exposed = "x-rivet-error, x-rivet-ray-id, retry-after";

    /// <summary>Seconds a browser may keep a preflight's answer; browsers cap it at their own limit.</summary>
    private const string MaxAge = "86400";

    private volatile Rules _rules = Rules.From(options.Current);

    /// <summary>An OPTIONS request that a browser sends before the real one: answered by Guard, without lookup or wake.</summary>
    public static bool IsPreflight(HttpRequest request)
        => HttpMethods.IsOptions(request.Method)
            && request.Headers.Origin.Count > 0
            && request.Headers.AccessControlRequestMethod.Count > 0;

    /// <summary>
    /// Whether a WebSocket comes from a page that may not read replies. Browsers send a page's origin with the handshake and do not keep
    /// it from the page's script what comes back: here only the server can refuse. Clients that are no browsers send no origin.
    /// </summary>
    public bool RefusesWebSocket(HttpRequest request)
    {
        var rules = Current();
        var origin = request.Headers.Origin;
        return !rules.Everybody && origin.Count > 0 && !(origin.Count == 1 && rules.Origins.ContainsKey(origin[0]!));
    }

    /// <summary>Answers a preflight: 204, the CORS headers, and what was asked for where the origin may have it.</summary>
    public void AnswerPreflight(HttpContext context)
    {
        var asked = context.Request.Headers;
        var headers = context.Response.Headers;
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        Apply(context);
        headers.Vary = StringValues.Concat(headers.Vary, "access-control-request-method, access-control-request-headers");
        if (headers.AccessControlAllowOrigin.Count == 0)
        {
            return;
        }

        headers.AccessControlAllowMethods = asked.AccessControlRequestMethod;
        headers.AccessControlMaxAge = MaxAge;
        if (!StringValues.IsNullOrEmpty(asked.AccessControlRequestHeaders))
        {
            headers.AccessControlAllowHeaders = asked.AccessControlRequestHeaders;
        }
    }

    /// <summary>Puts the CORS headers on a reply that has not started. May be called again: it replaces what it wrote before.</summary>
    public void Apply(HttpContext context)
    {
        var rules = Current();
        var headers = context.Response.Headers;
        var origin = context.Request.Headers.Origin;
        if (rules.VariesByOrigin)
        {
            headers.Vary = "origin";
        }

        if (origin.Count == 1 && rules.Origins.TryGetValue(origin[0]!, out var listed))
        {
            headers.AccessControlAllowOrigin = listed;
            headers.AccessControlAllowCredentials = "true";
            headers.AccessControlExposeHeaders = Exposed;
        }
        else if (rules.Everybody)
        {
            headers.AccessControlAllowOrigin = "*";
            headers.AccessControlExposeHeaders = "*";
        }
    }

    private Rules Current()
    {
        var current = options.Current;
        var rules = _rules;
        if (!ReferenceEquals(rules.Source, current))
        {
            _rules = rules = Rules.From(current);
        }

        return rules;
    }

    /// <summary>One options snapshot's origins. <paramref name="Origins"/> maps each, in any case, to the text echoed.</summary>
    private sealed record Rules(GuardOptions Source, bool Everybody, Dictionary<string, string> Origins)
    {
        public bool VariesByOrigin { get; } = Origins.Count > 0;

        public static Rules From(GuardOptions source)
        {
            var listed = source.Gateway.Cors.AllowedOrigins ?? ["*"];
            var origins = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var origin in listed)
            {
                // Browsers send origins in lower case and without a slash; configuration is written by people.
                var text = origin.Trim().TrimEnd('/').ToLowerInvariant();
                if (text is not ("*" or ""))
                {
                    origins[text] = text;
                }
            }

            return new Rules(source, listed.Any(o => o.Trim() == "*"), origins);
        }
    }
}
