using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Transport;

namespace Guard.Core.Request.Readiness;

/// <summary>How a hold ended: with a route to forward to, with an error to write, or with neither because the client left.</summary>
internal readonly record struct HoldResult(HoldOutcome Outcome, ActorRoute? Route, GuardError? Error)
{
    public static HoldResult ClientGone => new(HoldOutcome.ClientGone, null, null);

    public static HoldResult Ready(ActorRoute route) => new(HoldOutcome.Ready, route, null);

    public static HoldResult Failed(HoldOutcome outcome, GuardError error) => new(outcome, null, error);
}
