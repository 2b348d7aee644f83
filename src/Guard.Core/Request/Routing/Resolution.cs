using Guard.Core.Errors;
using Guard.Core.Transport;

namespace Guard.Core.Request.Routing;

/// <summary>A route, or why there is none. Exactly one of the two is set.</summary>
internal readonly record struct Resolution(ActorRoute? Route, GuardError? Error)
{
    public static implicit operator Resolution(ActorRoute route) => new(route, null);

    public static implicit operator Resolution(GuardError error) => new(null, error);
}
