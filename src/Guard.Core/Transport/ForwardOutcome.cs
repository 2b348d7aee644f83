using Guard.Core.Errors;

namespace Guard.Core.Transport;

internal enum ForwardStatus
{
    /// <summary>The runner's reply went to the client: nothing more to do.</summary>
    Done,

    /// <summary>The runner's reply had begun and broke off; the client's connection was aborted, so that the reply does not look complete.</summary>
    Cut,

    /// <summary>The client left before its reply was complete: nothing to write, nobody to blame.</summary>
    ClientGone,

    /// <summary>Provably not a byte of the request reached the runner (refused, DNS, TLS, connect timeout, endpoint not allowed).</summary>
    NotReached,

    /// <summary>The runner answered 421 and has not run the request.</summary>
    NotMyActor,

    /// <summary>The runner answered 503 or 504 with an <c>x-rivet-error</c> that means "try again"; see <see cref="ForwardOutcome.LastError"/>.</summary>
    FailedTry,

    /// <summary>The exchange broke before a reply could start: <see cref="ForwardOutcome.Error"/> says how.</summary>
    Failed,
}

/// <summary>How one delivery to a runner ended. Where the client is there and awaits an answer, the response has not started and is as it was
/// before the try, but for CORS headers: they are gone.</summary>
/// <param name="Status">What happened.</param>
/// <param name="Error">Set with <see cref="ForwardStatus.Failed"/>.</param>
/// <param name="LastError">The code, or a short name of the fault, for <c>retry_attempts_exceeded</c> and logs; null when done.</param>
internal readonly record struct ForwardOutcome(ForwardStatus Status, GuardError? Error = null, string? LastError = null)
{
    /// <summary>The runner answered, so it can be reached.</summary>
    public bool IsFromRunner => Status is ForwardStatus.Done or ForwardStatus.Cut or ForwardStatus.NotMyActor or ForwardStatus.FailedTry;
}
