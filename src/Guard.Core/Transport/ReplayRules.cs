using Guard.Core.Async;
using Guard.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport;

internal enum ReplayStep
{
    /// <summary>Nothing more to do.</summary>
    End,

    /// <summary>Drop the route and go through readiness again at once (docs/contract.md, section 4), under the same deadline.</summary>
    ResolveAgain,

    /// <summary>Wait <see cref="RetryBackoff"/>, then as <see cref="ResolveAgain"/>.</summary>
    ResolveAfterBackoff,

    /// <summary>Write <see cref="ReplayDecision.Error"/>.</summary>
    GiveUp,
}

/// <param name="Step">What to do next.</param>
/// <param name="Error">Set with <see cref="ReplayStep.GiveUp"/>.</param>
/// <param name="Reason">Set when the request is sent again: <c>reason</c> of <c>guard_retries_total</c>.</param>
internal readonly record struct ReplayDecision(ReplayStep Step, GuardError? Error = null, string? Reason = null);

/// <summary>The tries of one request so far. Counted by the caller; each count includes the try that just ended.</summary>
/// <param name="Sent">Tries that reached a runner.</param>
/// <param name="NotReached">Tries that did not.</param>
/// <param name="NotMyActor">Replies 421.</param>
internal readonly record struct TryCounts(int Sent, int NotReached, int NotMyActor)
{
    public TryCounts Add(ForwardStatus status) => status switch
    {
        ForwardStatus.NotReached => this with { NotReached = NotReached + 1 },
        ForwardStatus.NotMyActor => this with { Sent = Sent + 1, NotMyActor = NotMyActor + 1 },
        _ => this with { Sent = Sent + 1 },
    };
}

/// <summary>When a request may be sent again: docs/contract.md, section 3. Pure.</summary>
internal static class ReplayRules
{
    /// <summary>Methods whose effect is the same however often they are sent (RFC 9110 9.2.2).</summary>
    public static bool IsIdempotent(string method)
        => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
            || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method) || HttpMethods.IsTrace(method);

    /// <param name="outcome">How the last try ended.</param>
    /// <param name="tries">All tries, the last one included.</param>
    /// <param name="canReplay">No body, or one that can be sent again.</param>
    /// <param name="maxAttempts"><c>Retry:MaxAttempts</c>.</param>
    /// <param name="actorId">For the error.</param>
    /// <param name="waited">Since the request arrived; for the error.</param>
    public static ReplayDecision Next(
        in ForwardOutcome outcome, in TryCounts tries, bool canReplay, int maxAttempts, string actorId, TimeSpan waited)
        => outcome.Status switch
        {
            // Nothing was sent, so neither method nor body matter, and only the deadline ends it. The first goes on at once (the runner
            // may have moved); after that the backoff keeps an unreachable runner from being hammered.
            ForwardStatus.NotReached => new(
                tries.NotReached <= 1 ? ReplayStep.ResolveAgain : ReplayStep.ResolveAfterBackoff, Reason: "not_reached"),
            ForwardStatus.NotMyActor when tries.NotMyActor <= 1 && canReplay => new(ReplayStep.ResolveAgain, Reason: "not_my_actor"),
            ForwardStatus.NotMyActor => new(ReplayStep.GiveUp, GuardErrors.ServiceUnavailable(actorId, waited)),
            ForwardStatus.FailedTry when tries.Sent < maxAttempts && canReplay => new(ReplayStep.ResolveAfterBackoff, Reason: "failed_try"),
            ForwardStatus.FailedTry => new(ReplayStep.GiveUp, GuardErrors.RetryAttemptsExceeded(tries.Sent, outcome.LastError ?? "")),
            ForwardStatus.Failed => new(ReplayStep.GiveUp, outcome.Error),
            _ => new(ReplayStep.End),
        };
}
