namespace Guard.Core.State.Actors;

internal enum WakeStatus
{
    /// <summary>The actor is ready.</summary>
    Ready,

    /// <summary>The start failed for good.</summary>
    Failed,

    /// <summary>The actor stopped before it was ready, once more than <c>Readiness:MaxWakeRetries</c>.</summary>
    RetriesExceeded,

    /// <summary>Another Guard starts it.</summary>
    Elsewhere,

    /// <summary>It is destroyed or was never there.</summary>
    Gone,

    /// <summary>No request waited any more and no start was under way.</summary>
    Abandoned,
}

/// <summary>What came of a wake first.</summary>
internal readonly record struct WakeOutcome(WakeStatus Status);
