using Guard.Configuration;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Net;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Targets;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Tls;

/// <summary>
/// Sends clients of <c>Tls:RedirectEndpoints</c> on to https. 307, not 308: browsers keep a 308 for good, and it could not be taken back.
/// Only GET and HEAD: whatever else came has already been sent in the clear, and its sender should hear of it. Connections are closed,
/// nothing is looked up. Thread-safe.
/// </summary>
internal sealed class HttpsRedirect(
    LiveOptions options, GatewayRequestChecks checks, TrustedProxies proxies, GuardMetrics metrics, TimeProvider time)
{
    private static readonly GuardError NotHttps = GuardErrors.InvalidRequest("only https is served; this address answers GET and HEAD with the https address");
    private static readonly GuardError NoTarget = GuardErrors.InvalidRequest("only https is served, and there is no https address for this host and target");

    private readonly string[] _endpoints = options.Current.Tls.RedirectEndpoints ?? [];
    private readonly string _port = options.Current.Tls.RedirectPort is var port and not 443 ? $":{port}" : "";

    /// <summary>What serves gateway listeners; the same as before when no endpoint redirects.</summary>
    public RequestDelegate Before(RequestDelegate next)
        => _endpoints.Length == 0 ? next : context => Applies(context) ? RedirectAsync(context) : next(context);

    private bool Applies(HttpContext context)
        => context.Features.Get<EndpointRoleFeature>() is { Role: EndpointRole.Gateway } endpoint
            && Array.Exists(_endpoints, name => name.Equals(endpoint.Name, StringComparison.OrdinalIgnoreCase))
            && !CameByHttps(context);

    /// <summary>A trusted proxy that ends TLS says so; sending its clients back to where they came from would go round for ever.</summary>
    private bool CameByHttps(HttpContext context)
        => context.Request.Headers[HeaderRules.ForwardedProto] is [var proto]
            && string.Equals(proto, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase)
            && context.Connection.RemoteIpAddress is { } peer
            && proxies.Contains(AddressRange.Plain(peer));

    private async Task RedirectAsync(HttpContext context)
    {
        var arrival = time.GetTimestamp();
        var (request, response) = (context.Request, context.Response);
        if (Refuse(context, out var location) is { } error)
        {
            await ErrorWriter.WriteAsync(context, error with { CloseConnection = true });
        }
        else
        {
            response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            response.Headers.Location = location;
            response.Headers.CacheControl = "no-store";
            ConnectionClose.AfterReply(context);
        }

        metrics.RequestEnded(RouteForm.None, request.Method, response.StatusCode, time.GetElapsedTime(arrival));
    }

    /// <param name="context">The request.</param>
    /// <param name="location">The same host and target, byte for byte, by https; null when it is refused.</param>
    private GuardError? Refuse(HttpContext context, out string? location)
    {
        location = null;
        var request = context.Request;
        if (checks.Check(context) is { } malformed)
        {
            return malformed;
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            return NotHttps;
        }

        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (RequestTarget.Read(raw, out var target) is { } invalid)
        {
            return invalid;
        }

        if (request.Host.Host is not { Length: > 0 } host || target.Path is not ['/', ..])
        {
            return NoTarget;
        }

        location = $"https://{host}{_port}{target.Path}{raw.AsSpan(target.PathEnd)}";
        return null;
    }
}
