using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Transport.Http;

/// <summary>
/// <c>x-forwarded-for/proto/host</c>: written from the socket, so that nobody can claim another address. What a trusted proxy sent before
/// Guard is kept: its list of addresses is extended by its own, the scheme and host it saw stand.
/// </summary>
internal static class ForwardedHeaders
{
    public static void Write(HttpContext context, HttpRequestHeaders destination, TrustedProxies trusted)
    {
        var request = context.Request;
        var peer = TrustedProxies.PeerOf(context);
        var believed = trusted.Contains(peer);
        var addresses = believed ? Join(request.Headers[HeaderRules.ForwardedFor], peer) : peer?.ToString();
        var proto = believed ? Received(request, HeaderRules.ForwardedProto) : null;
        var host = believed ? Received(request, HeaderRules.ForwardedHost) : null;

        if (!string.IsNullOrEmpty(addresses))
        {
            destination.TryAddWithoutValidation(HeaderRules.ForwardedFor, addresses);
        }

        destination.TryAddWithoutValidation(HeaderRules.ForwardedProto, proto ?? request.Scheme);
        host ??= request.Headers.Host.ToString();
        if (host.Length > 0)
        {
            destination.TryAddWithoutValidation(HeaderRules.ForwardedHost, host);
        }
    }

    private static string? Received(HttpRequest request, string name)
        => request.Headers.TryGetValue(name, out var value) && !StringValues.IsNullOrEmpty(value) ? value.ToString() : null;

    private static string? Join(StringValues received, IPAddress? peer)
        => StringValues.IsNullOrEmpty(received) ? peer?.ToString() : $"{received}, {peer}";
}
