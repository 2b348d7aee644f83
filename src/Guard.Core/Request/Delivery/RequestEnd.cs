using Guard.Core.Errors;

namespace Guard.Core.Request.Delivery;

internal enum RequestEndKind
{
    /// <summary>The reply broke off after it had begun: the connection, or the stream, was aborted so that it does not look complete.</summary>
    Cut,

    /// <summary>A reply was made for the client, be it one without body that the server has yet to send.</summary>
    Answered,

    /// <summary>Guard answers with <see cref="RequestEnd.Error"/>.</summary>
    Refused,

    /// <summary>The client left before its reply was complete: there is nobody to answer and nobody to blame.</summary>
    ClientLeft,
}

/// <summary>How a request ended. Immutable.</summary>
internal readonly record struct RequestEnd
{
    private RequestEnd(RequestEndKind kind, GuardError? error = null) => (Kind, Error) = (kind, error);

    public static RequestEnd Answered => new(RequestEndKind.Answered);

    public static RequestEnd ClientLeft => new(RequestEndKind.ClientLeft);

    public static RequestEnd Cut => default;

    public RequestEndKind Kind { get; }

    /// <summary>Set with <see cref="RequestEndKind.Refused"/> alone.</summary>
    public GuardError? Error { get; }

    public static RequestEnd Refused(GuardError error) => new(RequestEndKind.Refused, error);

    /// <summary>The end of a request that got no route: refused, or without an error left by its client.</summary>
    public static RequestEnd WithoutRoute(GuardError? error) => error is null ? ClientLeft : Refused(error);
}
