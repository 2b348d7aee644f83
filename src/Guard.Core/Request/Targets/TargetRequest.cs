using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Request.Targets;

/// <summary>What of a request can name an actor, as the client sent it.</summary>
internal readonly ref struct TargetRequest
{
    public const string TargetHeader = "x-rivet-target";
    public const string ActorHeader = "x-rivet-actor";
    public const string TokenHeader = "x-rivet-token";
    public const string SkipReadyWaitHeader = "x-rivet-skip-ready-wait";
    public const string SubprotocolHeader = "sec-websocket-protocol";

    /// <summary>The request target as it stood in the request line (<c>:path</c> in HTTP/2), nothing decoded.</summary>
    public required string RawTarget { get; init; }

    /// <summary>The Host header or <c>:authority</c>, with its port if there is one.</summary>
    public string? Host { get; init; }

    public StringValues Target { get; init; }

    public StringValues Actor { get; init; }

    public StringValues Token { get; init; }

    public StringValues SkipReadyWait { get; init; }

    /// <summary>The request is a WebSocket handshake; only then its subprotocols are looked at.</summary>
    public bool IsWebSocket { get; init; }

    public StringValues Subprotocols { get; init; }

    /// <summary>Takes the parts from a request's headers. Allocates nothing.</summary>
    public static TargetRequest From(string rawTarget, string? host, IHeaderDictionary headers, bool isWebSocket) => new()
    {
        RawTarget = rawTarget,
        Host = host,
        Target = headers[TargetHeader],
        Actor = headers[ActorHeader],
        Token = headers[TokenHeader],
        SkipReadyWait = headers[SkipReadyWaitHeader],
        IsWebSocket = isWebSocket,
        Subprotocols = isWebSocket ? headers[SubprotocolHeader] : default,
    };
}
