using Guard.Model.Runners;

namespace Guard.Model.Actors;

/// <summary>
/// The state machine of an actor: pure functions from a record and an input to the next record. Every store applies these transitions
/// and no others, each in one atomic step.
/// </summary>
/// <remarks>
/// <para>
/// A transition returns null when it is refused (the generation or the state is not the one it names), the very same instance when there
/// is nothing left to do, else a new record with the next <see cref="ActorRecord.Revision"/>.
/// </para>
/// <para>
/// Invariants. A slot is taken exactly while <see cref="HoldsSlot"/>: a store that moves slots by comparing the record before and after
/// can neither leak nor double-free one. <see cref="ActorRecord.Runner"/> is set exactly then too. The generation rises with each start
/// and never falls; the revision rises with each change.
/// </para>
/// <para>
/// What an observer may conclude: an actor that is <see cref="ActorState.Crashed"/> in the generation it waited for has failed to start
/// for good; one that is <see cref="ActorState.Sleeping"/> may be woken again. A retryable failure leaves no error behind.
/// </para>
/// <para>
/// Restarts. An actor with <see cref="CrashPolicy.Restart"/> that ends against its will (crash, loss of its runner, a start that failed or
/// was given up, a drain) has a <see cref="ActorRecord.RescheduleTs"/>, whatever state it rests in; one that ends by its own wish
/// (<c>stopped</c> or <c>sleep</c> while ready) has none. So no death of a Guard between two steps loses a restart.
/// </para>
/// <para>Times are Unix ms, given by the store.</para>
/// </remarks>
internal static class ActorLifecycle
{
    private static readonly ActorError NoCapacityError = new(ActorErrorKind.NoCapacity);

    /// <summary>Whether an actor in this state occupies a slot of its runner.</summary>
    public static bool HoldsSlot(ActorState state) => state is ActorState.Starting or ActorState.Ready or ActorState.Stopping;

    /// <summary>Whether it does not run and nobody is starting or stopping it: a start may begin.</summary>
    public static bool IsAtRest(ActorState state) => state is ActorState.Sleeping or ActorState.Pending or ActorState.Crashed;

    /// <summary>
    /// Whether a start may begin: <see cref="StartGrantStatus.Granted"/> when at rest, or when starting in exactly the generation that
    /// may be taken over (its starter is known to be dead, or is the caller itself, done with it); else the reason why not.
    /// </summary>
    public static StartGrantStatus CheckStart(ActorRecord actor, long? takeOverGeneration) => actor.State switch
    {
        ActorState.Sleeping or ActorState.Pending or ActorState.Crashed => StartGrantStatus.Granted,
        ActorState.Starting when actor.Generation == takeOverGeneration => StartGrantStatus.Granted,
        ActorState.Starting => StartGrantStatus.StartingElsewhere,
        ActorState.Ready => StartGrantStatus.AlreadyReady,
        ActorState.Stopping => StartGrantStatus.Stopping,
        _ => StartGrantStatus.Destroyed,
    };

    /// <summary>
    /// Sleeping, pending or crashed → starting, or starting → starting in the next generation (a take-over). The generation rises, so that
    /// whatever ran before has lost its rights. The last error stays visible until the start is ready or has failed. Only after
    /// <see cref="CheckStart"/> granted it.
    /// </summary>
    public static ActorRecord BeginStart(ActorRecord actor, RunnerAddress runner, string starter, string startId, long now) => actor with
    {
        State = ActorState.Starting,
        Generation = actor.Generation + 1,
        Revision = actor.Revision + 1,
        Runner = runner,
        Starter = starter,
        StartId = startId,
        StartTs = now,
        PendingAllocationTs = 0,
        SleepTs = 0,
        RescheduleTs = 0,
    };

    /// <summary>
    /// Sleeping, pending or crashed → pending: a start was asked for and no runner has a slot; with the error no_capacity and the time of
    /// the first such refusal. Asked again, nothing changes: waiting makes no revisions. A restart that was due is put off.
    /// </summary>
    public static ActorRecord AwaitCapacity(ActorRecord actor, in RestartTiming restart, long now)
    {
        var isDue = actor.RescheduleTs != 0 && actor.RescheduleTs <= now;
        return actor.State == ActorState.Pending && !isDue
            ? actor
            : actor with
            {
                State = ActorState.Pending,
                Revision = actor.Revision + 1,
                Error = NoCapacityError,
                PendingAllocationTs = actor.PendingAllocationTs == 0 ? now : actor.PendingAllocationTs,
                RescheduleTs = isDue ? now + restart.Delay(0) : actor.RescheduleTs,
            };
    }

    /// <summary>
    /// Starting → ready in the generation named; the error of the time before is cleared. A generation that is ready already is left as
    /// it is: the 2xx of a start and the runner's <c>ready</c> may both arrive.
    /// </summary>
    public static ActorRecord? CommitReady(ActorRecord actor, long generation, long now)
    {
        if (actor.Generation != generation)
        {
            return null;
        }

        return actor.State switch
        {
            ActorState.Ready => actor,
            ActorState.Starting => actor with
            {
                State = ActorState.Ready,
                Revision = actor.Revision + 1,
                Starter = null,
                Error = null,
                ConnectableTs = now,
            },
            _ => null,
        };
    }

    /// <summary>
    /// Starting → sleeping without an error when the failure may be retried (it is one step of a wake that goes on), else what the crash
    /// policy says, with the error.
    /// </summary>
    public static ActorRecord? StartFailed(ActorRecord actor, long generation, ActorError error, bool final, in RestartTiming restart, long now)
    {
        if (actor.Generation != generation || actor.State != ActorState.Starting)
        {
            return null;
        }

        return final ? Fail(actor, error, restart, now) : Rest(actor, null, restart, now);
    }

    /// <summary>
    /// Ready → sleeping: its runner does not have it (421). No error, for nothing failed that a client should hear of. A starting
    /// generation is not disowned: a runner may answer 421 for an actor it is still starting.
    /// </summary>
    public static ActorRecord? Disowned(ActorRecord actor, long generation, in RestartTiming restart, long now)
        => actor.Generation == generation && actor.State == ActorState.Ready ? Rest(actor, null, restart, now) : null;

    /// <summary>
    /// Ready → stopping: its runner drains. The slot stays taken and requests are held until it has stopped. Null for any other state: a
    /// start under way is let come to its end first.
    /// </summary>
    /// <param name="actor">The record.</param>
    /// <param name="deadline">When it is given up if it has not stopped.</param>
    public static ActorRecord? BeginStop(ActorRecord actor, long deadline)
        => actor.State == ActorState.Ready
            ? actor with { State = ActorState.Stopping, Revision = actor.Revision + 1, StopDeadlineTs = deadline, ConnectableTs = 0 }
            : null;

    /// <summary>Stopping → sleeping: the runner answered the stop call, or says <c>stopped</c>. With restart it is due at once.</summary>
    public static ActorRecord? CommitStopped(ActorRecord actor, long generation, long now)
        => actor.Generation == generation && actor.State == ActorState.Stopping ? Stopped(actor, now) : null;

    /// <summary>
    /// The grace of a drain has passed. Ready or stopping → what the crash policy says, with runner_draining_timeout; with restart it is
    /// due at once. Starting → sleeping without an error, as for <see cref="RunnerLost"/>. Others are left as they are.
    /// </summary>
    public static ActorRecord DrainTimedOut(ActorRecord actor, in RestartTiming restart, long now)
    {
        if (actor.State == ActorState.Starting)
        {
            return Rest(actor, null, restart, now);
        }

        if (actor.State is not (ActorState.Ready or ActorState.Stopping))
        {
            return actor;
        }

        var failed = Fail(actor, new(ActorErrorKind.RunnerDrainingTimeout, actor.Runner!.RunnerId), restart, now);
        return failed.RescheduleTs == 0 ? failed : failed with { RescheduleTs = now, Restarts = actor.Restarts };
    }

    /// <summary>
    /// What a runner says of one of its actors. Stale, and without effect, unless that runner holds the actor in that very generation:
    /// so an event told twice frees one slot, and the second answer is stale (except <c>ready</c>, which may be repeated).
    /// </summary>
    public static (RunnerEventResult Result, ActorRecord Actor) Apply(
        ActorRecord actor, string runnerId, RunnerEvent runnerEvent, in RestartTiming restart, long now)
    {
        if (actor.Generation != runnerEvent.Generation || actor.Runner?.RunnerId != runnerId || !HoldsSlot(actor.State))
        {
            return (RunnerEventResult.Stale, actor);
        }

        var next = runnerEvent.Kind switch
        {
            // Starting → ready; ready stays; stopping is stale: it was told to stop and has no way back.
            RunnerEventKind.Ready => CommitReady(actor, runnerEvent.Generation, now),

            // Stopping → sleeping, as it was told to.
            RunnerEventKind.Stopped or RunnerEventKind.Sleep when actor.State == ActorState.Stopping => Stopped(actor, now),

            // Starting → sleeping: a start that ends so may be tried again.
            RunnerEventKind.Stopped when actor.State == ActorState.Starting => Rest(actor, null, restart, now),

            // Ready (or starting, for sleep) → sleeping. A clean end by its own wish: no error, no restart.
            RunnerEventKind.Stopped or RunnerEventKind.Sleep => Sleep(actor, ActorState.Sleeping, null, now),

            // Starting, ready or stopping → what the crash policy says. A crash before ready is final for that start.
            RunnerEventKind.Crashed => Fail(actor, new(ActorErrorKind.Crashed, Message: runnerEvent.Message), restart, now),

            // Starting, ready or stopping → destroyed, by the actor's own wish.
            RunnerEventKind.Destroy => Destroy(actor, now),
            _ => null,
        };
        return next is null ? (RunnerEventResult.Stale, actor) : (RunnerEventResult.Ok, next);
    }

    /// <summary>
    /// The runner is gone (lost or deleted). Ready → what the crash policy says, with runner_connection_lost. Starting → sleeping without
    /// an error: that start has failed, another runner may be tried. Stopping → sleeping: it ended as it was told to.
    /// An actor that holds no slot is left as it is.
    /// </summary>
    public static ActorRecord RunnerLost(ActorRecord actor, in RestartTiming restart, long now) => actor.State switch
    {
        ActorState.Ready => Fail(actor, new(ActorErrorKind.RunnerConnectionLost, actor.Runner!.RunnerId), restart, now),
        ActorState.Starting => Rest(actor, null, restart, now),
        ActorState.Stopping => Stopped(actor, now),
        _ => actor,
    };

    /// <summary>Its runner registered again at another address: state and generation stay, readers must learn where to go.</summary>
    public static ActorRecord RunnerMoved(ActorRecord actor, RunnerAddress runner)
        => HoldsSlot(actor.State) && actor.Runner != runner ? actor with { Runner = runner, Revision = actor.Revision + 1 } : actor;

    /// <summary>
    /// Any state → destroyed, for good; a destroyed actor is left as it is. The slot is given back at once, before the runner was told.
    /// The error it had stays; its input is dropped, for it is never started again.
    /// </summary>
    public static ActorRecord Destroy(ActorRecord actor, long now)
        => actor.State == ActorState.Destroyed ? actor : Released(actor, ActorState.Destroyed) with { Input = null, DestroyTs = now };

    /// <summary>The crash policy: sleep → crashed; restart → the same, with a time to start it again at; destroy → destroyed. Each with
    /// the error.</summary>
    private static ActorRecord Fail(ActorRecord actor, ActorError error, in RestartTiming restart, long now)
    {
        // What a crash says comes from outside.
        error = error.Kind == ActorErrorKind.Crashed ? error with { Message = CrashMessage.Clean(error.Message) } : error;
        return actor.CrashPolicy == CrashPolicy.Destroy ? Destroy(actor, now) with { Error = error } : Rest(actor, error, restart, now);
    }

    /// <summary>It ended against its will: with crash policy restart it is to start again after a delay that grows each time, until it has
    /// run quietly for a while.</summary>
    private static ActorRecord Rest(ActorRecord actor, ActorError? error, in RestartTiming restart, long now)
    {
        var rest = Sleep(actor, error is null ? ActorState.Sleeping : ActorState.Crashed, error, now);
        if (actor.CrashPolicy != CrashPolicy.Restart)
        {
            return rest;
        }

        var restarts = restart.IsQuiet(actor.ConnectableTs, now) ? 0 : actor.Restarts;
        return rest with { RescheduleTs = now + restart.Delay(restarts), Restarts = restarts + 1 };
    }

    /// <summary>It ended as it was told to, because its runner drains: with restart it is due on another one at once.</summary>
    private static ActorRecord Stopped(ActorRecord actor, long now)
    {
        var rest = Sleep(actor, ActorState.Sleeping, null, now);
        return actor.CrashPolicy == CrashPolicy.Restart ? rest with { RescheduleTs = now } : rest;
    }

    private static ActorRecord Sleep(ActorRecord actor, ActorState state, ActorError? error, long now)
        => Released(actor, state) with { Error = error, SleepTs = now };

    private static ActorRecord Released(ActorRecord actor, ActorState state) => actor with
    {
        State = state,
        Revision = actor.Revision + 1,
        Runner = null,
        Starter = null,
        StartId = null,
        PendingAllocationTs = 0,
        ConnectableTs = 0,
        RescheduleTs = 0,
        StopDeadlineTs = 0,
    };
}
