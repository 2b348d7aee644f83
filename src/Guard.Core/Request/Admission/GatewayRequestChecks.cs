using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Request.Admission;

/// <summary>
/// What an edge must refuse before anything else looks at a request, and the HTTP server lets through: framing that two servers could
/// read in two ways, and bodies that are too large. Allocates nothing for a request that passes. Thread-safe.
/// </summary>
/// <remarks>Content-length that is not plain digits, bare LF and bare CR are refused by the server itself, as it is set up by the host:
/// nothing of how they were written is left to see here.</remarks>
internal sealed class GatewayRequestChecks(LiveOptions options)
{
    private static readonly GuardError BothLengths = GuardErrors.InvalidFraming("content-length and transfer-encoding together");
    private static readonly GuardError TransferCoding = GuardErrors.InvalidFraming("transfer-encoding other than exactly 'chunked'");
    private static readonly GuardError OldVersion = GuardErrors.InvalidFraming("transfer-encoding in HTTP/1.0");
    private static readonly GuardError UpgradeProtocol = GuardErrors.InvalidFraming("upgrade to anything but 'websocket'");
    private static readonly GuardError ConnectionField = GuardErrors.InvalidFraming("a field of HTTP/1.1 connections in HTTP/2");
    private static readonly GuardError MethodCase = GuardErrors.InvalidFraming("a method of HTTP's in another case");
    private static readonly GuardError BadHost = GuardErrors.InvalidFraming("a Host that is no host name or address");
    private static readonly GuardError Tunnel = GuardErrors.InvalidFraming("CONNECT to anything but a WebSocket");
    private static readonly GuardError UpgradeMethod = GuardErrors.InvalidFraming("upgrade of anything but a GET in HTTP/1.1");
    private static readonly GuardError UpgradeBody = GuardErrors.InvalidFraming("upgrade with a body");

    /// <summary>Null when the request may go on; then no more than <c>Limits:MaxRequestBodyBytes</c> of its body can be read, whatever
    /// it announced. Call once, before anything reads the body.</summary>
    public GuardError? Check(HttpContext context)
    {
        var request = context.Request;
        var headers = request.Headers;
        var coding = headers.TransferEncoding;
        if (coding.Count != 0 && CheckCoding(coding, request) is { } framing)
        {
            return framing;
        }

        // Methods are case-sensitive (RFC 9110 9.1); the framework compares them without case, and would send GEt as GET.
        if (!string.Equals(HttpMethods.GetCanonicalizedValue(request.Method), request.Method, StringComparison.Ordinal))
        {
            return MethodCase;
        }

        // Only HTTP/1.0 may leave it out.
        var hosts = headers.Host;
        if (hosts.Count == 0 ? HttpProtocol.IsHttp2(request.Protocol) : !HostSyntax.IsValid(hosts[0]))
        {
            return BadHost;
        }

        if (HttpProtocol.IsHttp2(request.Protocol)
            && (coding.Count != 0 || headers.Upgrade.Count != 0 || headers.KeepAlive.Count != 0 || headers["Proxy-Connection"].Count != 0))
        {
            // The server refuses only "connection" itself (RFC 9113 8.2.2).
            return ConnectionField;
        }

        var length = headers.ContentLength;
        if (headers.Upgrade.Count != 0 && UpgradeRules.AsksForUpgrade(headers.Connection) && CheckUpgrade(request, length is > 0 || coding.Count != 0) is { } upgrade)
        {
            return upgrade;
        }

        if (HttpMethods.IsConnect(request.Method) && CheckConnect(context) is { } tunnel)
        {
            return tunnel;
        }

        if (length is null && coding.Count == 0 && HttpProtocol.IsHttp11(request.Protocol))
        {
            // Nothing announced, nothing to come: a look at the features costs more than all of the above.
            return null;
        }

        return CheckSize(context, length) ?? (coding.Count != 0 && headers.Expect.Count == 0 ? CheckFirstChunks(context) : null);
    }

    private static GuardError? CheckCoding(StringValues coding, HttpRequest request)
    {
        // The server has moved the content-length here. A client that sends this name itself, and chunks, cannot be told apart.
        if (request.Headers.ContainsKey("X-Content-Length") || request.Headers.ContentLength is not null)
        {
            return BothLengths;
        }

        // One value, compared byte by byte: each leniency is a reading the next server may not share.
        if (coding.Count != 1 || coding[0] != "chunked")
        {
            return TransferCoding;
        }

        return HttpProtocol.IsHttp10(request.Protocol) ? OldVersion : null;
    }

    /// <summary>A CONNECT asks for a tunnel; the one kind there is carries a WebSocket over HTTP/2 (RFC 8441).</summary>
    private static GuardError? CheckConnect(HttpContext context)
        => context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true } connect ? Tunnel
            : string.Equals(connect.Protocol, "websocket", StringComparison.OrdinalIgnoreCase) ? null
            : UpgradeProtocol;

    private static GuardError? CheckUpgrade(HttpRequest request, bool hasBody)
    {
        var protocol = request.Headers.Upgrade;
        if (protocol.Count != 1 || !string.Equals(protocol[0], "websocket", StringComparison.OrdinalIgnoreCase))
        {
            return UpgradeProtocol;
        }

        return hasBody ? UpgradeBody
            : !HttpMethods.IsGet(request.Method) || !HttpProtocol.IsHttp11(request.Protocol) ? UpgradeMethod
            : null;
    }

    /// <summary>Looks at the chunks that came with the head, and leaves them where they are: what is broken here is refused before anything
    /// of the request is forwarded. Later chunks are checked as they pass. Not where the client waits to be told to send.</summary>
    private GuardError? CheckFirstChunks(HttpContext context)
    {
        if (options.Current.Limits.MinRequestBytesPerSecond == 0 && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            // The server counts from the first read, and the actor may not be ready for long yet.
            rate.MinDataRate = null;
        }

        try
        {
            if (context.Request.BodyReader.TryRead(out var chunks))
            {
                context.Request.BodyReader.AdvanceTo(chunks.Buffer.Start);
            }

            return null;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return ForwardFaults.OfClientBody(e, options.Current.Limits.MaxRequestBodyBytes) ?? GuardErrors.InvalidFraming("a body that breaks off");
        }
    }

    private GuardError? CheckSize(HttpContext context, long? length)
    {
        var limit = options.Current.Limits.MaxRequestBodyBytes;
        if (length > limit)
        {
            return GuardErrors.RequestBodyTooLarge(limit);
        }

        // The server's own limit is the one of its start; this one follows reloads.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit;
        }

        return null;
    }
}
