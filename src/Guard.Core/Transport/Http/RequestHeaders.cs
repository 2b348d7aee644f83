using Guard.Core.Transport.WebSockets;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Transforms;

namespace Guard.Core.Transport.Http;

/// <summary>Headers on the way in: copies what passes, then writes what only Guard may say.</summary>
internal static class RequestHeaders
{
    /// <returns>Whether the client offered the subprotocol <c>rivet</c>.</returns>
    public static bool Copy(
        HttpContext context, HttpRequestMessage message, ActorRoute route, RunnerAddress runner, TrustedProxies trusted, bool isWebSocket)
    {
        var received = context.Request.Headers;
        var named = ConnectionTokens.Parse(received.Connection);
        foreach (var (name, value) in received)
        {
            if (HeaderRules.PassesToRunner(name) && !named.Contains(name))
            {
                Add(message, name, value, isWebSocket);
            }
        }

        var offer = SubprotocolOffer.Parse(received.SecWebSocketProtocol);
        if (offer.Forwarded.Count > 0 && !named.Contains(HeaderRules.WebSocketProtocol))
        {
            Add(message, HeaderRules.WebSocketProtocol, offer.Forwarded, isWebSocket);
        }

        AddTrace(received, message, named);
        if (message.Version.Major == 2 && AcceptsTrailers(received.TE))
        {
            message.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");
        }

        // Last, so that no Connection header can name them away.
        ForwardedHeaders.Write(context, message.Headers, trusted);
        AddGuards(context, message, route, runner);
        return offer.OffersRivet;
    }

    private static void AddGuards(HttpContext context, HttpRequestMessage message, ActorRoute route, RunnerAddress runner)
    {
        var headers = message.Headers;
        headers.TryAddWithoutValidation(HeaderRules.Actor, route.IdText);
        if (route.KeyHeader is { } actorKey)
        {
            headers.TryAddWithoutValidation(HeaderRules.ActorKey, actorKey);
        }

        headers.TryAddWithoutValidation(HeaderRules.ActorGeneration, route.GenerationText);
        headers.TryAddWithoutValidation(HeaderRules.RayId, context.TraceIdentifier);
        if (HttpLocations.Of(runner).RoutingKeyHeader is { } key)
        {
            // A platform routes on it: a client's own must not get there as well.
            headers.Remove(HeaderRules.RunnerKey);
            headers.TryAddWithoutValidation(HeaderRules.RunnerKey, key);
        }
    }

    private static void AddTrace(IHeaderDictionary received, HttpRequestMessage message, ConnectionTokens named)
    {
        var parent = named.Contains(HeaderRules.TraceParent) ? StringValues.Empty : received.TraceParent;
        message.Headers.TryAddWithoutValidation(HeaderRules.TraceParent, TraceContext.Next(parent, out var continued));
        if (continued && received.TraceState is { Count: > 0 } state && !named.Contains(HeaderRules.TraceState))
        {
            Add(message, HeaderRules.TraceState, state, isWebSocket: false);
        }
    }

    private static void Add(HttpRequestMessage message, string name, StringValues value, bool isWebSocket)
    {
        if (value.Count > 1 && name.Equals(HeaderNames.Cookie, StringComparison.OrdinalIgnoreCase))
        {
            // HTTP/2 clients split their cookies (RFC 9113 8.2.3); HTTP/1.1 knows one header only.
            value = string.Join("; ", (IEnumerable<string?>)value);
        }

        if (TryAdd(message.Headers, name, value))
        {
            return;
        }

        // The client library keeps a fixed set of names with the body.
        if (message.Content is not null)
        {
            TryAdd(message.Content.Headers, name, value);
        }
        else if (!isWebSocket)
        {
            BodylessContent.AddHeader(message, name, value);
        }
    }

    private static bool TryAdd(System.Net.Http.Headers.HttpHeaders headers, string name, StringValues value)
        => value.Count == 1
            ? headers.TryAddWithoutValidation(name, value[0])
            : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);

    private static bool AcceptsTrailers(StringValues te)
    {
        foreach (var line in te)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                if (line.AsSpan()[range].Trim(" \t").Equals("trailers", StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The forwarder refuses a body of ours, but has one for this case, which a transform may ask it for.</summary>
    private sealed class BodylessContent : RequestTransform
    {
        public static void AddHeader(HttpRequestMessage message, string name, StringValues value)
            => AddHeader(new RequestTransformContext { ProxyRequest = message }, name, value);

        public override ValueTask ApplyAsync(RequestTransformContext context) => throw new NotSupportedException();
    }
}
