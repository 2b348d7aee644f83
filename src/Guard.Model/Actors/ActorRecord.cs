using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Model.Actors;

/// <summary>Where an actor is in its life. The transitions are in <c>ActorLifecycle</c>. The numbers are stored.</summary>
internal enum ActorState
{
    /// <summary>At rest, and nothing is wrong: never started (generation 0), ended cleanly, or a failed start that may be tried again.</summary>
    Sleeping,

    /// <summary>A slot is taken and the runner is being called; <see cref="ActorRecord.Runner"/> is set.</summary>
    Starting,

    /// <summary>Running at <see cref="ActorRecord.Runner"/>.</summary>
    Ready,

    /// <summary>Told to stop; still holds its slot.</summary>
    Stopping,

    /// <summary>Gone for good. Kept for a while as a tombstone.</summary>
    Destroyed,

    /// <summary>At rest: a start was asked for and no runner had a slot (error no_capacity).</summary>
    Pending,

    /// <summary>At rest after a failure; <see cref="ActorRecord.Error"/> says which. The next request wakes it, or Guard itself at
    /// <see cref="ActorRecord.RescheduleTs"/>.</summary>
    Crashed,
}

/// <summary>What becomes of an actor that crashes.</summary>
internal enum CrashPolicy
{
    Sleep,
    Restart,
    Destroy,
}

/// <summary>An actor as the store holds it. Immutable: a transition makes a new record with the next <see cref="Revision"/>. Times are Unix ms, 0 = never.</summary>
internal sealed record ActorRecord
{
    public required ActorId Id { get; init; }

    public required PoolId Pool { get; init; }

    public required string Name { get; init; }

    /// <summary>The serialised key (<see cref="ActorKey"/>); null when the actor has none.</summary>
    public string? Key { get; init; }

    public CrashPolicy CrashPolicy { get; init; }

    /// <summary>Given to the runner with every start; null when there is none, and once destroyed.</summary>
    public byte[]? Input { get; init; }

    public ActorState State { get; init; }

    /// <summary>Raised by each start; 0 until the first.</summary>
    public long Generation { get; init; }

    /// <summary>Raised by every transition: orders what different readers saw of the actor.</summary>
    public long Revision { get; init; }

    /// <summary>Where it runs, is being started or stops; null in the other states.</summary>
    public RunnerAddress? Runner { get; init; }

    /// <summary>The Guard that drives the current start; null unless <see cref="ActorState.Starting"/>.</summary>
    public string? Starter { get; init; }

    /// <summary>Names the start call of this generation to the runner, for its logs; null while it has no runner.</summary>
    public string? StartId { get; init; }

    /// <summary>Why it does not run, or did not the last time; null after a clean run and while a failed start may be retried.</summary>
    public ActorError? Error { get; init; }

    public long CreateTs { get; init; }

    /// <summary>When its last start began.</summary>
    public long StartTs { get; init; }

    /// <summary>When it was first refused a slot since it last ran; 0 when it got one.</summary>
    public long PendingAllocationTs { get; init; }

    /// <summary>Since when it is ready; 0 while it is not.</summary>
    public long ConnectableTs { get; init; }

    /// <summary>Since when it is at rest; 0 while it is not, and before its first start.</summary>
    public long SleepTs { get; init; }

    /// <summary>When an actor with <see cref="CrashPolicy.Restart"/> that ended against its will is due to start again; 0 otherwise.</summary>
    public long RescheduleTs { get; init; }

    /// <summary>How often it was rescheduled since it last ran for <c>Actors:RestartResetAfter</c>; the next delay grows with it.</summary>
    public int Restarts { get; init; }

    /// <summary>When an actor that was told to stop, and has not, is given up; 0 unless <see cref="ActorState.Stopping"/>.</summary>
    public long StopDeadlineTs { get; init; }

    public long DestroyTs { get; init; }
}
