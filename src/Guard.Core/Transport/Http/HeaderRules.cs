using System.Collections.Frozen;

namespace Guard.Core.Transport.Http;

/// <summary>Which header names pass, and the names Guard writes: docs/contract.md, section 3.</summary>
internal static class HeaderRules
{
    public const string Actor = "x-rivet-actor";
    public const string ActorKey = "x-rivet-actor-key";
    public const string ActorGeneration = "x-rivet-actor-generation";
    public const string RayId = "x-rivet-ray-id";
    public const string RunnerKey = "x-rivet-runner-key";
    public const string Error = "x-rivet-error";
    public const string ForwardedFor = "x-forwarded-for";
    public const string ForwardedProto = "x-forwarded-proto";
    public const string ForwardedHost = "x-forwarded-host";
    public const string TraceParent = "traceparent";
    public const string TraceState = "tracestate";
    public const string WebSocketProtocol = "sec-websocket-protocol";

    private const string GuardPrefix = "x-guard-";

    // RFC 9110 7.6.1 and 11.7, RFC 2616 13.5.1, RFC 7540 3.2.1.
    private static readonly string[] HopByHop =
    [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
        "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
    ];

    private static readonly FrozenSet<string> NotToRunner = new[]
    {
        // What a client may not say to an actor, or in Guard's name.
        "x-rivet-target", Actor, ActorKey, ActorGeneration, "x-rivet-token", "x-rivet-skip-ready-wait", RayId, Error,
        "forwarded", "x-real-ip", "x-content-length",

        // Written anew from what Guard knows.
        ForwardedFor, ForwardedProto, ForwardedHost, TraceParent, TraceState, WebSocketProtocol,
    }.Concat(HopByHop).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // A trailer field announces trailers: kept where there can be some, see ResponseHeaders.
    private static readonly FrozenSet<string> NotToClient =
        HopByHop.Append(RayId).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>False for names that are dropped on the way in, or that Guard writes itself.</summary>
    public static bool PassesToRunner(string name)
        => !NotToRunner.Contains(name)
            && name[0] != ':' // pseudo-header
            && !name.Contains('_') // CGI-like runners cannot tell it from '-'
            && !name.StartsWith(GuardPrefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>False for names that are dropped on the way out, or that Guard writes itself.</summary>
    public static bool PassesToClient(string name) => !NotToClient.Contains(name);

    /// <summary>An <c>x-rivet-error</c> that only Guard may say.</summary>
    public static bool IsGuardsError(string value)
    {
        var code = value.AsSpan().Trim();
        return code.StartsWith("guard.", StringComparison.OrdinalIgnoreCase) || code.StartsWith("core.", StringComparison.OrdinalIgnoreCase);
    }
}
