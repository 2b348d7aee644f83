using Guard.Core.Runners;
using Guard.Core.Storage;

namespace Guard.Core.Actors;

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
/// What an observer may conclude: an actor that is sleeping in the generation it waited for, with an <see cref="ActorRecord.Error"/>
/// other than <see cref="ActorErrorKind.NoCapacity"/>, has failed to start for good. Without one it may be woken again. Therefore a
/// retryable failure leaves no error behind.
/// </para>
/// <para>Times are Unix ms, given by the store.</para>
/// </remarks>
internal static class ActorLifecycle
{
    /// <summary>
    /// How far in the future <see cref="CrashPolicy.Restart"/> puts <see cref="ActorRecord.RescheduleTs"/>, in ms. Nothing restarts the
    /// actor by itself yet: until automatic restarts are built it sleeps, and the next request wakes it, before that time or after.
    /// </summary>
    public const long RescheduleDelayMs = 1000;

    private static readonly ActorError NoCapacityError = new(ActorErrorKind.NoCapacity);

    /// <summary>Whether an actor in this state occupies a slot of its runner.</summary>
    public static bool HoldsSlot(ActorState state) => state is ActorState.Starting or ActorState.Ready or ActorState.Stopping;

    /// <summary>
    /// Whether a start may begin: <see cref="StartGrantStatus.Granted"/> when sleeping, or when starting in exactly the generation that
    /// may be taken over (its starter is known to be dead); else the reason why not.
    /// </summary>
    public static StartGrantStatus CheckStart(ActorRecord actor, long? takeOverGeneration) => actor.State switch
    {
        ActorState.Sleeping => StartGrantStatus.Granted,
        ActorState.Starting when actor.Generation == takeOverGeneration => StartGrantStatus.Granted,
        ActorState.Starting => StartGrantStatus.StartingElsewhere,
        ActorState.Ready => StartGrantStatus.AlreadyReady,
        ActorState.Stopping => StartGrantStatus.Stopping,
        _ => StartGrantStatus.Destroyed,
    };

    /// <summary>
    /// Starting → sleeping: the starter is dead and another takes over. It is followed at once by <see cref="BeginStart"/> or
    /// <see cref="AwaitCapacity"/> in the same atomic step. Only after <see cref="CheckStart"/> granted it.
    /// </summary>
    public static ActorRecord AbandonStart(ActorRecord actor, long now) => Sleep(actor, null, now);

    /// <summary>
    /// Sleeping → starting. The generation rises, so that whatever ran before has lost its rights. The last error stays visible until the
    /// start is ready or has failed. Only after <see cref="CheckStart"/> granted it.
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
    /// A start was asked for and no runner has a slot: a sleeping actor goes on sleeping, with the error no_capacity and the time of the
    /// first such refusal. Asked again, nothing changes: waiting makes no revisions.
    /// </summary>
    public static ActorRecord AwaitCapacity(ActorRecord actor, long now)
        => actor.PendingAllocationTs != 0 && actor.Error == NoCapacityError
            ? actor
            : actor with
            {
                Revision = actor.Revision + 1,
                Error = NoCapacityError,
                PendingAllocationTs = actor.PendingAllocationTs == 0 ? now : actor.PendingAllocationTs,
            };

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
    public static ActorRecord? StartFailed(ActorRecord actor, long generation, ActorError error, bool final, long now)
    {
        if (actor.Generation != generation || actor.State != ActorState.Starting)
        {
            return null;
        }

        return final ? Fail(actor, error, now) : Sleep(actor, null, now);
    }

    /// <summary>
    /// Ready → sleeping: its runner does not have it (421). No error, for nothing failed that a client should hear of. A starting
    /// generation is not disowned: a runner may answer 421 for an actor it is still starting.
    /// </summary>
    public static ActorRecord? Disowned(ActorRecord actor, long generation, long now)
        => actor.Generation == generation && actor.State == ActorState.Ready ? Sleep(actor, null, now) : null;

    /// <summary>
    /// What a runner says of one of its actors. Stale, and without effect, unless that runner holds the actor in that very generation:
    /// so an event told twice frees one slot, and the second answer is stale (except <c>ready</c>, which may be repeated).
    /// </summary>
    public static (RunnerEventResult Result, ActorRecord Actor) Apply(ActorRecord actor, string runnerId, RunnerEvent runnerEvent, long now)
    {
        if (actor.Generation != runnerEvent.Generation || actor.Runner?.RunnerId != runnerId || !HoldsSlot(actor.State))
        {
            return (RunnerEventResult.Stale, actor);
        }

        var next = runnerEvent.Kind switch
        {
            // Starting → ready; ready stays; stopping is stale: it was told to stop and has no way back.
            RunnerEventKind.Ready => CommitReady(actor, runnerEvent.Generation, now),

            // Starting, ready or stopping → sleeping. A clean end: no error, and a start that ends so may be woken again.
            RunnerEventKind.Stopped or RunnerEventKind.Sleep => Sleep(actor, null, now),

            // Starting, ready or stopping → what the crash policy says. A crash before ready is final for that start.
            RunnerEventKind.Crashed => Fail(actor, new(ActorErrorKind.Crashed, Message: runnerEvent.Message), now),

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
    public static ActorRecord RunnerLost(ActorRecord actor, long now) => actor.State switch
    {
        ActorState.Ready => Fail(actor, new(ActorErrorKind.RunnerConnectionLost, actor.Runner!.RunnerId), now),
        ActorState.Starting or ActorState.Stopping => Sleep(actor, null, now),
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

    /// <summary>The crash policy: sleep → sleeping with the error; restart → the same, with a time to start it again at (see
    /// <see cref="RescheduleDelayMs"/>); destroy → destroyed with the error.</summary>
    private static ActorRecord Fail(ActorRecord actor, ActorError error, long now)
    {
        if (error.Kind == ActorErrorKind.Crashed)
        {
            error = error with { Message = CrashMessage.Clean(error.Message) };
        }

        return actor.CrashPolicy switch
        {
            CrashPolicy.Destroy => Destroy(actor, now) with { Error = error },
            CrashPolicy.Restart => Sleep(actor, error, now) with { RescheduleTs = now + RescheduleDelayMs },
            _ => Sleep(actor, error, now),
        };
    }

    private static ActorRecord Sleep(ActorRecord actor, ActorError? error, long now)
        => Released(actor, ActorState.Sleeping) with { Error = error, SleepTs = now };

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
    };
}
