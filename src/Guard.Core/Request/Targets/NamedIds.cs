using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Net;
using Guard.Model.Ids;

namespace Guard.Core.Request.Targets;

/// <summary>The ids that headers, subprotocols and host name, which are known to agree, and what else these sources say.</summary>
internal readonly ref struct NamedIds
{
    private readonly ActorId _byHeader;
    private readonly ActorId _bySubprotocol;
    private readonly ActorId _byHost;

    private NamedIds(
        scoped in NamingHeaders headers,
        scoped in NamingSubprotocols offer,
        bool hasHost,
        ActorId byHeader,
        ActorId bySubprotocol,
        ActorId byHost)
    {
        HasHeader = headers.NamesActor;
        HasSubprotocol = offer.NamesActor;
        HasHost = hasHost;
        _byHeader = byHeader;
        _bySubprotocol = bySubprotocol;
        _byHost = byHost;
        Token = headers.Token.IsEmpty ? offer.Token : headers.Token;
        SkipReadyWait = headers.SkipReadyWait || offer.SkipReadyWait;
    }

    /// <summary><c>x-rivet-target</c> is <c>actor</c>.</summary>
    public bool HasHeader { get; }

    /// <summary><c>rivet_target.actor</c> is offered.</summary>
    public bool HasSubprotocol { get; }

    /// <summary>The host is one label under the actor domain.</summary>
    public bool HasHost { get; }

    public ReadOnlySpan<char> Token { get; }

    public bool SkipReadyWait { get; }

    /// <summary>Whether any source names an actor.</summary>
    public bool Any => Id.Label != 0;

    /// <summary>The actor they name; <c>default</c> when none does.</summary>
    public ActorId Id => _byHeader.Label != 0 ? _byHeader : _bySubprotocol.Label != 0 ? _bySubprotocol : _byHost;

    /// <summary>The source that names the actor, for error details.</summary>
    public string Sources => _byHeader.Label != 0 ? TargetRequest.ActorHeader
        : _bySubprotocol.Label != 0 ? TargetRequest.SubprotocolHeader
        : "the host";

    /// <summary>Reads every source. An invalid id is an error, except in the host: the label may be a name of Guard itself.</summary>
    public static GuardError? Read(scoped in TargetRequest request, HostDomain? domain, out NamedIds named)
    {
        named = default;
        if (NamingHeaders.Read(request, out var headers) is { } badHeader)
        {
            return badHeader;
        }

        NamingSubprotocols offer = default;
        if (request.IsWebSocket && NamingSubprotocols.Read(request.Subprotocols, out offer) is { } badOffer)
        {
            return badOffer;
        }

        ActorId byHeader = default, bySubprotocol = default, byHost = default;
        if (headers.NamesActor && !headers.Actor.IsEmpty && !EncodedActorId.TryRead(headers.Actor, out byHeader))
        {
            return EncodedActorId.Invalid(TargetRequest.ActorHeader);
        }

        if (offer.NamesActor && !offer.Actor.IsEmpty && !EncodedActorId.TryRead(offer.Actor, out bySubprotocol))
        {
            return EncodedActorId.Invalid(RivetSubprotocols.ActorPrefix + "* in " + TargetRequest.SubprotocolHeader);
        }

        var hasHost = false;
        if (domain is not null && domain.TryMatch(request.Host, out var label))
        {
            hasHost = true;
            _ = ActorId.TryParse(label, out byHost);
        }

        named = new NamedIds(headers, offer, hasHost, byHeader, bySubprotocol, byHost);
        return named.Disagrees(bySubprotocol) || named.Disagrees(byHost)
            ? GuardErrors.AmbiguousRoute("headers, subprotocols and host name different actors")
            : null;
    }

    /// <summary>Whether any source names another actor than this; <c>default</c> agrees with everything.</summary>
    public bool Disagrees(ActorId id) => id.Label != 0 && Any && id != Id;

    /// <summary>The error of a form that is used but names no valid id; null when it does.</summary>
    public GuardError? Missing(RouteForm form) => form switch
    {
        RouteForm.Header when _byHeader.Label == 0 => GuardErrors.MissingHeader(TargetRequest.ActorHeader),
        RouteForm.WebSocket when _bySubprotocol.Label == 0
            => GuardErrors.MissingHeader(RivetSubprotocols.ActorPrefix + "{actor_id} in " + TargetRequest.SubprotocolHeader),
        RouteForm.Host when _byHost.Label == 0 => EncodedActorId.Invalid("the host"),
        _ => null,
    };
}
