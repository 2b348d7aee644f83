using Guard.Core.Errors;
using Guard.Core.Net;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Request.Targets;

/// <summary>What the subprotocols a WebSocket client offers say about its actor. Each kind may be offered once.</summary>
internal ref struct NamingSubprotocols
{
    private bool _hasTarget;
    private bool _hasActor;
    private bool _hasToken;

    /// <summary><c>rivet_target.actor</c> is offered; without it <c>rivet_actor.</c> means nothing.</summary>
    public bool NamesActor { get; private set; }

    /// <summary>The raw id; empty when missing.</summary>
    public ReadOnlySpan<char> Actor { get; private set; }

    public ReadOnlySpan<char> Token { get; private set; }

    public bool SkipReadyWait { get; private set; }

    /// <param name="offered">The values of <c>sec-websocket-protocol</c>: comma-separated lists, one for each header line.</param>
    /// <param name="offer">What they say.</param>
    public static GuardError? Read(StringValues offered, out NamingSubprotocols offer)
    {
        offer = default;
        for (var i = 0; i < offered.Count; i++)
        {
            var line = offered[i].AsSpan();
            foreach (var range in line.Split(','))
            {
                if (!offer.TryAdd(line[range].Trim(" \t")))
                {
                    return GuardErrors.InvalidHeader(
                        TargetRequest.SubprotocolHeader,
                        "allowed are one rivet_target., one rivet_actor. and one rivet_token. of at most 2048 characters");
                }
            }
        }

        return null;
    }

    private bool TryAdd(ReadOnlySpan<char> name)
    {
        if (name.StartsWith(RivetSubprotocols.TargetPrefix))
        {
            NamesActor = name[RivetSubprotocols.TargetPrefix.Length..] is "actor";
            return !_hasTarget && (_hasTarget = true);
        }

        if (name.StartsWith(RivetSubprotocols.ActorPrefix))
        {
            Actor = name[RivetSubprotocols.ActorPrefix.Length..];
            return !_hasActor && (_hasActor = true);
        }

        if (name.StartsWith(RivetSubprotocols.TokenPrefix))
        {
            Token = name[RivetSubprotocols.TokenPrefix.Length..];
            return Token.Length <= TargetParser.MaxTokenLength && !_hasToken && (_hasToken = true);
        }

        SkipReadyWait |= name is RivetSubprotocols.SkipReadyWait;
        return true;
    }
}
