using Guard.Model.Actors;

namespace Guard.Core.State.Actors;

internal enum WakeStatus
{
    /// <summary>The actor is ready; <see cref="WakeOutcome.Actor"/> says where.</summary>
    Ready,

    /// <summary>The start failed for good; <see cref="WakeOutcome.Error"/> says why.</summary>
    Failed,

    /// <summary>The actor stopped before it was ready, once more than <c>Readiness:MaxWakeRetries</c>.</summary>
    RetriesExceeded,

    /// <summary>Another Guard starts it: wait for the change.</summary>
    Elsewhere,

    /// <summary>It is destroyed or was never there.</summary>
    Gone,

    /// <summary>Nobody waited any more and no start was under way.</summary>
    Abandoned,
}

/// <param name="Actor">Set with <see cref="WakeStatus.Ready"/> and <see cref="WakeStatus.Elsewhere"/>.</param>
/// <param name="Error">Set with <see cref="WakeStatus.Failed"/>.</param>
internal readonly record struct WakeOutcome(WakeStatus Status, ActorRecord? Actor = null, ActorError? Error = null);
