using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Model.Stores;

/// <summary>
/// Actors and their transitions. Each call is atomic; calls of one actor, its runner and its pool are ordered by the store. Every method
/// throws <see cref="StoreException"/> when the store fails, and nothing else for that. Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// What the transitions do to a record is <see cref="ActorLifecycle"/>. An actor occupies a slot of its runner exactly while it is
/// starting, ready or stopping. Each change raises its revision and is told to the change feed; freeing a slot also tells that the pool
/// has capacity. Destroyed actors stay as tombstones for at least an hour, then they are unknown.
/// </para>
/// <para>A method that is given a pool answers for an actor of that pool only; one of another pool is not found.</para>
/// <para>
/// An actor that is crashed in the generation somebody waited for failed to start for good; one that sleeps may be woken again.
/// </para>
/// </remarks>
internal interface IActorStore
{
    /// <summary>Most actors one <see cref="RenewPendingAsync"/> takes: a shared store serves nobody else meanwhile.</summary>
    const int MostRenewed = 500;

    /// <summary>The actor, destroyed ones included while their tombstone is kept; null when unknown.</summary>
    ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken);

    /// <summary>The same for an actor whose pool is known, which saves a shared store the way through its index.</summary>
    ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken);

    /// <summary>The live actor of that key; null when there is none. <paramref name="key"/> is serialised.</summary>
    ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken);

    /// <summary>
    /// Creates a sleeping actor, or finds the live one that has its key already, in whatever pool: that comes before
    /// the look at the pool's runner-config. However many callers create the same key at once, one gets
    /// <see cref="CreateActorStatus.Created"/> and all get the same actor. The key of a destroyed actor is free at once.
    /// </summary>
    ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken);

    /// <summary>
    /// A page of a namespace's actors, newest first. An actor that exists throughout is on exactly one page, whatever comes and goes
    /// between two calls; those created after the first page are on none. A page may hold fewer than the limit, even none, and have a
    /// cursor all the same: one call looks at a bounded number of actors.
    /// </summary>
    /// <exception cref="FormatException">The cursor is not one of this list.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not 1 to 1000.</exception>
    /// <exception cref="ArgumentException">A key without a name.</exception>
    ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a slot of an eligible runner, raises the generation and moves the actor to starting, or says why not. Eligible: not
    /// draining, heartbeat younger than <c>Runners:EligibleAfter</c> (or static), not excluded. Among those with a free slot the newest
    /// version serves, and of it the one with most free slots of a random sample: when the newest is full, older versions take over.
    /// </summary>
    /// <remarks>
    /// Of any number of racing callers one is granted the start. The slot of a generation that is taken over counts as free when a runner
    /// is chosen; when none is found, that generation stays as it is and keeps its slot. Repeating a start that finds no capacity changes nothing
    /// more, but each time the actor counts as pending for <see cref="IPoolUpkeepStore.PendingFor"/> again.
    /// </remarks>
    ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken);

    /// <summary>Counts actors that were refused a slot as pending for <see cref="IPoolUpkeepStore.PendingFor"/> again, for somebody waits for
    /// them still, and tells which of them do not wait for one any more: those that are not pending, or unknown in the pool. At most
    /// <see cref="MostRenewed"/>.</summary>
    ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Moves a starting generation to ready and counts a success of its pool, both or neither. When the generation is ready already (the
    /// runner's <c>ready</c> came first) the result is ok as well, and nothing is counted a second time. Anything else, destroyed
    /// included, is stale: whoever started it tells the runner to stop it.
    /// </summary>
    ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a starting generation without success: gives the slot back once and leaves the actor sleeping, or, when
    /// <paramref name="final"/>, as its crash policy says. <paramref name="error"/> is kept only when final: a retryable failure is a
    /// step of a wake that goes on.
    /// </summary>
    ValueTask<TransitionResult> CommitStartFailedAsync(ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken);

    /// <summary>A ready generation turned out not to be on its runner (it answered 421): gives the slot back and leaves the actor sleeping.</summary>
    ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken);

    /// <summary>A stopping generation has stopped: gives the slot back and leaves the actor sleeping, with crash policy restart due at once.
    /// Stale when it is not stopping.</summary>
    ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken);

    /// <summary>
    /// Applies what a runner says of one of its actors. Unknown when there is no such actor; stale, and without effect, unless that very
    /// runner holds it in that very generation. So <c>stopped</c> told twice is ok, then stale; <c>ready</c> may be repeated. A
    /// <c>ready</c> that ends a start counts a success of the pool, as <see cref="CommitReadyAsync"/>. The runner itself is not looked up.
    /// </summary>
    ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken);

    /// <summary>
    /// Actors of a pool whose current start began longer ago than <paramref name="olderThan"/> and has not ended, oldest first, at most 1000: their
    /// starters may have died.
    /// </summary>
    ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken);

    /// <summary>Destroys an actor for good: its slot and its key are free at once. The record as it was before, so that the caller can tell
    /// its runner; null when unknown or destroyed already.</summary>
    ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken);
}

/// <param name="Key">Serialised; null for an actor without key, which is always created.</param>
internal sealed record NewActor(ActorId Id, PoolId Pool, string Name, string? Key, CrashPolicy CrashPolicy, byte[]? Input)
{
    /// <summary>The one it sleeps in; its first start has the next. Not 0 only for an actor that comes from elsewhere.</summary>
    public long Generation { get; init; }

    /// <summary>Unix ms; null = now.</summary>
    public long? CreateTs { get; init; }

    /// <summary>The id was drawn at random for this actor, so that no other can have it: a shared store need not ask first.</summary>
    public bool IsIdFresh { get; init; }
}

internal enum CreateActorStatus
{
    Created,

    /// <summary>The key has a live actor, or the id has one, live or destroyed; the result holds it.</summary>
    KeyTaken,

    /// <summary>The pool has no runner-config.</summary>
    NoPool,
}

/// <param name="Actor">The created or found actor; null with <see cref="CreateActorStatus.NoPool"/>, and when the id is taken by an actor
/// of another pool that is just being made.</param>
internal readonly record struct CreateActorResult(CreateActorStatus Status, ActorRecord? Actor);

/// <param name="Namespace">Actors of other namespaces are left out, also when named by id.</param>
/// <param name="Ids">Exactly these, in this order and each once (unknown ones are left out; name and key are not looked at), or null for
/// the other filters.</param>
/// <param name="Name">Null for all names.</param>
/// <param name="Key">Serialised; only with a name. Null for all keys and actors without one.</param>
/// <param name="IncludeDestroyed">Also the tombstones.</param>
/// <param name="Limit">1 to 1000.</param>
/// <param name="Cursor">From the page before, with the same other values; null for the first.</param>
internal sealed record ActorQuery(
    string Namespace,
    IReadOnlyList<ActorId>? Ids,
    string? Name,
    string? Key,
    bool IncludeDestroyed,
    int Limit,
    string? Cursor);

/// <param name="Exclude">Runners not to use now, as suspect.</param>
/// <param name="Starter">The id of the Guard that will drive the start.</param>
/// <param name="TakeOverGeneration">A starting generation that may be replaced, because its starter is known to be dead or is the
/// caller itself, whose call to the runner failed; null otherwise.</param>
/// <param name="IsRepeat">The caller asks again because it found no capacity before; then the feed need not be told that capacity is wanted.</param>
/// <param name="Tried">Runners this wake has tried, and may not use again; null for none.</param>
internal sealed record StartRequest(
    ActorId Id,
    PoolId Pool,
    string Starter,
    IReadOnlyCollection<string> Exclude,
    long? TakeOverGeneration = null,
    bool IsRepeat = false,
    IReadOnlyCollection<string>? Tried = null);

/// <param name="Actor">The actor after the call; null with <see cref="StartGrantStatus.NotFound"/>.</param>
/// <param name="Runner">Where it starts, its slot taken; null unless granted.</param>
/// <param name="Replaced">The generation that was taken over, with the runner it was on; null unless one was. Never with
/// <see cref="StartGrantStatus.NoCapacity"/>: then that generation stays.</param>
/// <param name="HasUntried">With <see cref="StartGrantStatus.NoCapacity"/>, and where the request names runners that were tried: there is
/// an eligible one that was not: it is full, or excluded.</param>
internal readonly record struct StartGrant(
    StartGrantStatus Status, ActorRecord? Actor, RunnerRecord? Runner = null, ActorRecord? Replaced = null, bool HasUntried = false);

/// <param name="Actor">The actor after the call, whatever came of it; null when not found.</param>
internal readonly record struct ReadyCommit(TransitionResult Result, ActorRecord? Actor);

internal enum TransitionResult
{
    Ok,

    /// <summary>The generation or state is not the one named: nothing was changed.</summary>
    Stale,
    NotFound,
}
