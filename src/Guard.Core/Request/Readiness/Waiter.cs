using Guard.Core.Transport;
using Guard.Model.Pools;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// One request in a shared wait. Its times are timestamps of the time provider, fixed when it arrives: nothing re-arms them. Everything
/// but <see cref="Task"/> is touched only by its <see cref="Waiters"/>, under their lock, and after it was taken out by who took it.
/// </summary>
internal sealed class Waiter
{
    private readonly TaskCompletionSource<HoldResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When the request arrived.</summary>
    public required long Arrival { get; init; }

    /// <summary>When it gets its answer at the latest.</summary>
    public required long Deadline { get; init; }

    /// <summary>From when on pool errors may end it.</summary>
    public required long CheckAfter { get; init; }

    /// <summary>A runner is enough; the actor need not be ready.</summary>
    public bool SkipReadyWait { get; init; }

    /// <summary>The pool error that was known when it arrived and does not end it; null: any error does.</summary>
    public ErrorMark? Seen { get; set; }

    /// <summary>A ready route of this revision has just been found unreachable: not to be used again before <see cref="RetryAt"/>.</summary>
    public long AvoidRevision { get; init; } = -1;

    public long RetryAt { get; init; }

    /// <summary>Counted already as one that would have failed (mode report).</summary>
    public bool Reported { get; set; }

    /// <summary>Where it stands among its <see cref="Waiters"/>; -1 when it is not among them.</summary>
    public int Place { get; set; } = -1;

    public Task<HoldResult> Task => _completion.Task;

    /// <summary>Ends the wait; never call under a lock. The first call wins.</summary>
    public void Complete(HoldResult result) => _completion.TrySetResult(result);

    /// <summary>Whether it may go to this route now.</summary>
    public bool Accepts(ActorRoute route, long now)
        => route.Serves(SkipReadyWait) && (route.Revision != AvoidRevision || now >= RetryAt);

    /// <summary>Whether it may go, at any time, wherever the other one may.</summary>
    public bool AcceptsAllOf(Waiter other)
        => (SkipReadyWait || !other.SkipReadyWait)
            && (AvoidRevision < 0 || (AvoidRevision == other.AvoidRevision && RetryAt <= other.RetryAt));
}

/// <summary>One accepted pool error: the version it was accepted with.</summary>
internal readonly record struct ErrorMark(ulong Epoch, long Seq)
{
    /// <summary>The active error of a health; null when it has none.</summary>
    public static ErrorMark? Of(PoolHealthSnapshot health)
        => health.ActiveError is { } error ? new ErrorMark(health.Epoch, error.Seq) : null;
}
