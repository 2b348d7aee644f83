using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Guard.Core.Transport.Http;

/// <summary>Headers and trailers on the way out.</summary>
internal static class ResponseHeaders
{
    /// <summary>Copies what passes of a reply's headers. <c>x-rivet-ray-id</c> is Guard's and stays as it is; so do CORS headers unless the runner answers
    /// <c>access-control-allow-origin</c> itself.</summary>
    /// <exception cref="InvalidOperationException">A header holds what HTTP does not allow.</exception>
    public static void Copy(HttpContext context, HttpResponseMessage message)
    {
        var destination = context.Response.Headers;
        var runnersCors = message.Headers.NonValidated.Contains(HeaderNames.AccessControlAllowOrigin);
        if (runnersCors)
        {
            RemoveCors(destination);
        }

        var guardsCors = !runnersCors && destination.AccessControlAllowOrigin.Count > 0;
        var named = ConnectionTokens.Parse(Values(message.Headers, HeaderNames.Connection));
        Copy(message.Headers, destination, named, guardsCors);
        Copy(message.Content.Headers, destination, named, guardsCors: false);

        if (HasNoBody(message))
        {
            // A reply that cannot have a body must not announce one, and Kestrel would refuse it.
            destination.ContentLength = null;
        }

        // HTTP/1.1 clients get no trailers, so none are announced to them.
        if (TrailersOf(context) is not null && !named.Contains(HeaderNames.Trailer)
            && Values(message.Headers, HeaderNames.Trailer) is { Count: > 0 } trailer)
        {
            destination.Trailer = trailer;
        }
    }

    /// <summary>Copies trailers to clients that can have them (HTTP/2).</summary>
    public static void CopyTrailers(HttpContext context, HttpResponseMessage message)
    {
        if (TrailersOf(context)?.Trailers is { IsReadOnly: false } destination)
        {
            Copy(message.TrailingHeaders, destination, default, guardsCors: false);
        }
    }

    /// <summary>The values of a header as they came; empty when there is none.</summary>
    public static StringValues Values(HttpHeaders headers, string name)
        => headers.NonValidated.TryGetValues(name, out var values) ? ToStringValues(values) : StringValues.Empty;

    /// <summary>Null for HTTP/1.1: to look for what a connection does not have costs more than all that it has.</summary>
    private static IHttpResponseTrailersFeature? TrailersOf(HttpContext context)
        => HttpProtocol.IsHttp11(context.Request.Protocol) ? null : context.Features.Get<IHttpResponseTrailersFeature>();

    private static void Copy(HttpHeaders source, IHeaderDictionary destination, ConnectionTokens named, bool guardsCors)
    {
        foreach (var (name, values) in source.NonValidated)
        {
            if (!HeaderRules.PassesToClient(name) || named.Contains(name))
            {
                continue;
            }

            var value = ToStringValues(values);
            if (name.Equals(HeaderRules.Error, StringComparison.OrdinalIgnoreCase))
            {
                value = WithoutGuards(value);
                if (value.Count == 0)
                {
                    continue;
                }
            }
            else if (guardsCors && name.Equals(HeaderNames.AccessControlAllowCredentials, StringComparison.OrdinalIgnoreCase))
            {
                // Whether credentials go with Guard's allow-origin is for Guard's configuration to say.
                continue;
            }

            // Guard's own (vary, exposed headers) come first.
            destination[name] = MayBeThere(name) ? StringValues.Concat(destination[name], value) : value;
        }
    }

    private static void RemoveCors(IHeaderDictionary headers)
    {
        headers.AccessControlAllowOrigin = default;
        headers.AccessControlAllowCredentials = default;
        headers.AccessControlExposeHeaders = default;
        headers.Vary = default;
    }

    /// <summary>Whether Guard may have put a header of this name there. A reply's own names do not repeat.</summary>
    private static bool MayBeThere(string name)
        => name.Length == HeaderNames.Vary.Length || name.StartsWith("access-control-", StringComparison.OrdinalIgnoreCase);

    private static StringValues WithoutGuards(StringValues errors)
    {
        foreach (var error in errors)
        {
            if (HeaderRules.IsGuardsError(error!))
            {
                return errors.Where(e => !HeaderRules.IsGuardsError(e!)).ToArray();
            }
        }

        return errors;
    }

    private static bool HasNoBody(HttpResponseMessage message)
        => (int)message.StatusCode < 200 || message.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.ResetContent;

    private static StringValues ToStringValues(HeaderStringValues values)
    {
        if (values.Count <= 1)
        {
            return values.ToString();
        }

        var array = new string[values.Count];
        var i = 0;
        foreach (var value in values)
        {
            array[i++] = value;
        }

        return array;
    }
}
