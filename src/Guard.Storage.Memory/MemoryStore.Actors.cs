using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

internal sealed partial class MemoryStore
{
    private const int MaxStarting = 1000;

    /// <inheritdoc/>
    public ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken)
        => new(_actors.TryGetValue(id, out var entry) ? entry.Record : null);

    /// <inheritdoc/>
    public ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken) => new(Find(id, pool)?.Record);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
    {
        if (!_pools.TryGetValue(pool, out var state))
        {
            return new([]);
        }

        var before = Now - olderThan.TotalMilliseconds;
        lock (state.Gate)
        {
            return new(state.Starting.Select(a => a.Record).Where(a => a.StartTs < before).OrderBy(a => a.StartTs).Take(MaxStarting).ToArray());
        }
    }

    /// <inheritdoc/>
    public ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
    {
        if (!_namespaces.TryGetValue(@namespace, out var names))
        {
            return new((ActorRecord?)null);
        }

        ActorRecord? record;
        lock (names.Gate)
        {
            record = names.Actors.Find(name, key)?.Record;
        }

        // It may have been destroyed since it was found.
        return new(record is { State: ActorState.Destroyed } ? null : record);
    }

    /// <inheritdoc/>
    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken)
    {
        if (!_namespaces.TryGetValue(actor.Pool.Namespace, out var names))
        {
            return new(new CreateActorResult(CreateActorStatus.NoPool, null));
        }

        ActorRecord record;
        lock (names.Gate)
        {
            if (actor.Key is not null && names.Actors.Find(actor.Name, actor.Key)?.Record is { State: not ActorState.Destroyed } found)
            {
                return new(new CreateActorResult(CreateActorStatus.KeyTaken, found));
            }

            if (!_pools.TryGetValue(actor.Pool, out var pool) || pool.Config is null)
            {
                return new(new CreateActorResult(CreateActorStatus.NoPool, null));
            }

            record = NewRecord(actor, pool, names);
            var entry = new ActorEntry(names.NextSequence(), pool, record);
            if (!_actors.TryAdd(actor.Id, entry))
            {
                return new(new CreateActorResult(CreateActorStatus.KeyTaken, _actors[actor.Id].Record));
            }

            names.Actors.Add(entry);
        }

        feed.PublishActor(record.Id, record.Pool, record.Revision);
        return new(new CreateActorResult(CreateActorStatus.Created, record));
    }

    /// <inheritdoc/>
    public ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken)
    {
        if (query.Ids is not null)
        {
            return new(ListIds(query, query.Ids));
        }

        if (query.Key is not null && query.Name is null)
        {
            throw new ArgumentException("a key needs a name", nameof(query));
        }

        if (!_namespaces.TryGetValue(query.Namespace, out var names))
        {
            ListCursor.CheckLimit(query.Limit);
            ListCursor.ReadNumber(ListCursor.Actors, query.Cursor);
            return new(new Page<ActorRecord>([], null));
        }

        lock (names.Gate)
        {
            return new(names.Actors.List(query));
        }
    }

    /// <inheritdoc/>
    public ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken)
    {
        if (!_actors.TryGetValue(id, out var entry))
        {
            return new((ActorRecord?)null);
        }

        var changes = new StoreChanges(entry.Pool);
        ActorRecord before;
        lock (entry.Pool.Gate)
        {
            before = entry.Record;
            entry.Pool.Apply(entry, ActorLifecycle.Destroy(before, Now), changes);
        }

        Finish(changes);
        return new(before.State == ActorState.Destroyed ? null : before);
    }

    private ActorRecord NewRecord(NewActor actor, PoolState pool, NamespaceState names) => new()
    {
        Id = actor.Id,
        Pool = pool.Id,
        Name = names.Actors.Intern(actor.Name),
        Key = actor.Key,
        CrashPolicy = actor.CrashPolicy,
        Input = actor.Input,
        State = ActorState.Sleeping,
        Generation = actor.Generation,
        Revision = 1,
        CreateTs = actor.CreateTs ?? Now,
    };

    // The place of a cursor is one in the caller's own list of ids.
    private Page<ActorRecord> ListIds(ActorQuery query, IReadOnlyList<ActorId> ids)
    {
        ListCursor.CheckLimit(query.Limit);
        var items = new List<ActorRecord>();
        var seen = new HashSet<ActorId>();
        var start = ListCursor.ReadNumber(ListCursor.ActorIds, query.Cursor) ?? 0;
        for (var i = 0; i < ids.Count; i++)
        {
            if (!seen.Add(ids[i]) || i < start || !_actors.TryGetValue(ids[i], out var entry))
            {
                continue;
            }

            var record = entry.Record;
            if (record.Pool.Namespace != query.Namespace || (!query.IncludeDestroyed && record.State == ActorState.Destroyed))
            {
                continue;
            }

            if (items.Count == query.Limit)
            {
                return new(items, ListCursor.At(ListCursor.ActorIds, i));
            }

            items.Add(record);
        }

        return new(items, null);
    }
}
