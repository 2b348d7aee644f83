using Guard.Core.Errors;
using Guard.Core.Forwarding;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Gateway;

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
    private static readonly GuardError EmptyHost = GuardErrors.InvalidRequest("an empty Host");
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

        if (headers.Host.Count != 0 && string.IsNullOrEmpty(headers.Host[0]))
        {
            return EmptyHost;
        }

        var length = headers.ContentLength;
        if (headers.Upgrade.Count != 0 && UpgradeRules.AsksForUpgrade(headers.Connection) && CheckUpgrade(headers.Upgrade, length is > 0 || coding.Count != 0) is { } upgrade)
        {
            return upgrade;
        }

        if (HttpProtocol.IsHttp11(request.Protocol))
        {
            // Nothing announced, nothing to come: a look at the features costs more than all of the above.
            return length is null && coding.Count == 0 ? null : CheckSize(context, length);
        }

        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect
            && !string.Equals(connect.Protocol, "websocket", StringComparison.OrdinalIgnoreCase))
        {
            return UpgradeProtocol;
        }

        return CheckSize(context, length);
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

    private static GuardError? CheckUpgrade(StringValues protocol, bool hasBody)
    {
        if (protocol.Count != 1 || !string.Equals(protocol[0], "websocket", StringComparison.OrdinalIgnoreCase))
        {
            return UpgradeProtocol;
        }

        return hasBody ? UpgradeBody : null;
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
