using Guard.Model.Actors;
using Guard.Model.Ids;

namespace Guard.Model.Stores;

/// <summary>Brings many actors in at once. Thread-safe, and throwing as <see cref="IActorStore"/>.</summary>
internal interface IActorImportStore
{
    /// <summary>
    /// Creates those of a batch that are not there, sleeping, as <see cref="IActorStore.CreateAsync"/> does one by one; the outcomes are
    /// in the order of the batch. Whether they are there is asked for all of them at once, in at most two round trips. Stopped at any
    /// point, or run by several callers at once, it can be repeated: each actor is written once. A shared store does not tell the change
    /// feed of each: whoever asked for one of them in vain a moment ago learns of it when <c>RouteCache:NegativeTtl</c> has passed.
    /// </summary>
    /// <param name="batch">Each with a key, an id of its own, or both: what has neither could not be found again.</param>
    /// <param name="cancellationToken">Gives up; what is done stays.</param>
    ValueTask<IReadOnlyList<ImportOutcome>> ImportAsync(IReadOnlyList<ImportedActor> batch, CancellationToken cancellationToken);
}

/// <param name="Actor">Its id counts only when nobody has its key, unless it is the actor's own.</param>
/// <param name="HasOwnId">The id comes from the other system and is the actor's for good.</param>
internal readonly record struct ImportedActor(NewActor Actor, bool HasOwnId);

internal enum ImportStatus
{
    Created,

    /// <summary>It was there already: a live actor of that key, or of that id in the same pool with the same name.</summary>
    Exists,

    /// <summary>The key, or the id, belongs to another actor, or the actor was destroyed.</summary>
    Conflict,

    /// <summary>The pool has no runner-config.</summary>
    NoPool,
}

/// <param name="Holder">With <see cref="ImportStatus.Conflict"/>: the actor that has the key; null when it is the id that cannot be had.</param>
internal readonly record struct ImportOutcome(ImportStatus Status, ActorId? Holder = null)
{
    /// <summary>What creating an actor alone came to.</summary>
    public static ImportOutcome Of(ImportedActor imported, CreateActorResult result) => result switch
    {
        { Status: CreateActorStatus.Created } => new(ImportStatus.Created),
        { Status: CreateActorStatus.NoPool } => new(ImportStatus.NoPool),
        { Actor: { State: not ActorState.Destroyed } found }
            when found.Name == imported.Actor.Name && found.Key == imported.Actor.Key && found.Pool.Namespace == imported.Actor.Pool.Namespace
            => found.Key is null
                ? new(found.Pool.Equals(imported.Actor.Pool) ? ImportStatus.Exists : ImportStatus.Conflict)
                : imported.HasOwnId && found.Id != imported.Actor.Id ? new(ImportStatus.Conflict, found.Id) : new(ImportStatus.Exists),
        _ => new(ImportStatus.Conflict),
    };
}
