using Guard.Core.Errors;
using Guard.Core.Transport;

namespace Guard.Core.Request.Gateway;

internal enum AdmittedKind
{
    /// <summary>It is refused with <see cref="Admitted.Error"/>.</summary>
    Refused,

    /// <summary>The gateway answers it itself, without an actor.</summary>
    Own,

    /// <summary>It may come in, and <see cref="Admitted.Route"/> is its actor's cached route.</summary>
    Routed,

    /// <summary>It may come in as far as is known, and its actor has to be looked up.</summary>
    Unrouted,
}

/// <summary>What <see cref="RequestEntry.Admit"/> found out about a request. Immutable.</summary>
internal readonly record struct Admitted
{
    private Admitted(AdmittedKind kind, ActorRoute? route = null, GuardError? error = null) => (Kind, Route, Error) = (kind, route, error);

    public static Admitted Own => new(AdmittedKind.Own);

    public static Admitted Unrouted => new(AdmittedKind.Unrouted);

    public AdmittedKind Kind { get; }

    /// <summary>Set with <see cref="AdmittedKind.Routed"/> alone.</summary>
    public ActorRoute? Route { get; }

    /// <summary>Set with <see cref="AdmittedKind.Refused"/> alone.</summary>
    public GuardError? Error { get; }

    public static implicit operator Admitted(GuardError error) => new(AdmittedKind.Refused, error: error);

    public static implicit operator Admitted(ActorRoute route) => new(AdmittedKind.Routed, route);
}
