using Guard.Core.Actors;
using Guard.Core.Pools;
using Guard.Core.Runners;
using Guard.Core.Targets;

namespace Guard.Core.Storage;

/// <summary>
/// Actors and their transitions. Each call is atomic; calls of one actor, its runner and its pool are ordered by the store. Every method
/// throws <see cref="StoreUnavailableException"/> when the store cannot be reached in time. Thread-safe.
/// </summary>
internal interface IActorStore
{
    /// <summary>The actor, destroyed ones included while their tombstone is kept; null when unknown.</summary>
    ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken);

    /// <summary>The live actor of that key; null when there is none. <paramref name="key"/> is serialised.</summary>
    ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken);

    /// <summary>Creates an actor, or finds the live one that has its key already.</summary>
    ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken);

    ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a slot of an eligible runner, raises the generation and moves the actor to starting, or says why not. Newest version, not
    /// draining, heartbeat younger than <c>Runners:EligibleAfter</c>, not excluded, a free slot, most free of a random sample.
    /// </summary>
    ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken);

    /// <summary>Moves a starting generation to ready and counts a success of its pool.</summary>
    ValueTask<TransitionResult> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken);

    /// <summary>Ends a starting generation without success: gives the slot back once and leaves the actor sleeping, or, when
    /// <paramref name="final"/>, as its crash policy says.</summary>
    ValueTask<TransitionResult> CommitStartFailedAsync(ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken);

    /// <summary>A ready generation turned out not to be on its runner (it answered 421): gives the slot back and leaves the actor sleeping.</summary>
    ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken);

    /// <summary>Applies what a runner says of one of its actors.</summary>
    ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken);

    /// <summary>Destroys an actor for good. The record as it was before, so that the caller can tell its runner; null when unknown or
    /// destroyed already.</summary>
    ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken);
}

/// <param name="Key">Serialised; null for an actor without key, which is always created.</param>
internal sealed record NewActor(ActorId Id, PoolId Pool, string Name, string? Key, CrashPolicy CrashPolicy, byte[]? Input);

internal enum CreateActorStatus
{
    Created,

    /// <summary>The key has a live actor; the result holds it.</summary>
    KeyTaken,

    /// <summary>The pool has no runner-config.</summary>
    NoPool,
}

/// <param name="Actor">The created or found actor; null with <see cref="CreateActorStatus.NoPool"/>.</param>
internal readonly record struct CreateActorResult(CreateActorStatus Status, ActorRecord? Actor);

/// <param name="Ids">Exactly these (unknown ones are left out), or null for the other filters.</param>
/// <param name="Limit">1 to 1000.</param>
/// <param name="Cursor">From the page before; null for the first.</param>
internal sealed record ActorQuery(
    string Namespace,
    IReadOnlyList<ActorId>? Ids,
    string? Name,
    string? Key,
    bool IncludeDestroyed,
    int Limit,
    string? Cursor);

/// <param name="Exclude">Runners not to use: tried already by this wake, or suspect.</param>
/// <param name="Starter">The id of the Guard that will drive the start.</param>
/// <param name="TakeOverGeneration">A starting generation whose starter is known to be dead, which may be replaced; null otherwise.</param>
internal sealed record StartRequest(
    ActorId Id,
    PoolId Pool,
    string Starter,
    IReadOnlyCollection<string> Exclude,
    long? TakeOverGeneration = null);

internal enum StartGrantStatus
{
    /// <summary>The caller owns the start: <see cref="StartGrant.Actor"/> is starting at <see cref="StartGrant.Runner"/>.</summary>
    Granted,

    /// <summary>Nothing to do.</summary>
    AlreadyReady,

    /// <summary>Another start is under way; its starter is in the record.</summary>
    StartingElsewhere,

    /// <summary>It is still stopping: wait for the change.</summary>
    Stopping,

    /// <summary>No runner has a slot; the record's <c>PendingAllocationTs</c> is set.</summary>
    NoCapacity,

    Destroyed,
    NotFound,
}

/// <param name="Replaced">The generation that was taken over, with the runner it was on; null unless one was.</param>
internal readonly record struct StartGrant(StartGrantStatus Status, ActorRecord? Actor, RunnerRecord? Runner = null, ActorRecord? Replaced = null);

internal enum TransitionResult
{
    Ok,

    /// <summary>The generation or state is not the one named: nothing was changed.</summary>
    Stale,
    NotFound,
}

internal enum RunnerEventKind
{
    Ready,
    Stopped,
    Crashed,
    Sleep,
    Destroy,
}

internal sealed record RunnerEvent(ActorId Actor, long Generation, RunnerEventKind Kind, string? Message);

internal enum RunnerEventResult
{
    Ok,
    Stale,
    Unknown,
}
