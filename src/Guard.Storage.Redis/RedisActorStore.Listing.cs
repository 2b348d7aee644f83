using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Redis;

internal sealed partial class RedisActorStore
{
    /// <inheritdoc/>
    public async ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken)
    {
        ListCursor.CheckLimit(query.Limit);
        if (query.Ids is not null)
        {
            return await ListIdsAsync(query, query.Ids, cancellationToken);
        }

        if (query.Key is not null && query.Name is null)
        {
            throw new ArgumentException("a key needs a name", nameof(query));
        }

        if (query is { Key: { } key, IncludeDestroyed: false })
        {
            // At most one, found without a walk over all actors of the name.
            ListCursor.ReadNumber(ListCursor.Actors, query.Cursor);
            var live = query.Cursor is null ? await FindAsync(query.Namespace, query.Name!, key, cancellationToken) : null;
            return new(live is null ? [] : [live], null);
        }

        return await _index.PageAsync(
            query.Namespace,
            query.Name is null ? RedisIndex.Actors : RedisIndex.Named(query.Name),
            ListCursor.Actors,
            query.Cursor,
            query.Limit,
            async ids => Array.ConvertAll(
                await ReadAllAsync(Array.ConvertAll(ids, id => ActorId.TryParse(id, out var parsed) ? parsed : default), cancellationToken),
                actor => Matches(actor, query) ? actor : null),
            cancellationToken);
    }

    // The place of a cursor is one in the caller's own list of ids.
    private async Task<Page<ActorRecord>> ListIdsAsync(ActorQuery query, IReadOnlyList<ActorId> ids, CancellationToken cancellationToken)
    {
        var start = ListCursor.ReadNumber(ListCursor.ActorIds, query.Cursor) ?? 0;
        var items = new List<ActorRecord>();
        var seen = new HashSet<ActorId>();
        var wanted = ids.Select((id, place) => (Id: id, Place: place)).Where(w => seen.Add(w.Id) && w.Place >= start).ToArray();
        foreach (var chunk in wanted.Chunk(ListCursor.MaxLimit))
        {
            var actors = await ReadAllAsync(Array.ConvertAll(chunk, w => w.Id), cancellationToken);
            for (var i = 0; i < chunk.Length; i++)
            {
                if (actors[i] is not { } actor || !Matches(actor, query with { Name = null, Key = null }))
                {
                    continue;
                }

                if (items.Count == query.Limit)
                {
                    return new(items, ListCursor.At(ListCursor.ActorIds, chunk[i].Place));
                }

                items.Add(actor);
            }
        }

        return new(items, null);
    }

    private static bool Matches(ActorRecord? actor, ActorQuery query)
        => actor is not null
            && actor.Pool.Namespace == query.Namespace
            && (query.IncludeDestroyed || actor.State != ActorState.Destroyed)
            && (query.Name is null || actor.Name == query.Name)
            && (query.Key is null || actor.Key == query.Key);

    /// <summary>Two round trips for them all: their pools, then their records.</summary>
    private async Task<ActorRecord?[]> ReadAllAsync(ActorId[] ids, CancellationToken cancellationToken)
    {
        var pools = await redis.CallAsync(
            "actor_pools", db => Task.WhenAll(Array.ConvertAll(ids, id => db.StringGetAsync(redis.Keys.ActorPool(id)))), cancellationToken);
        var known = Array.ConvertAll(pools, p => RedisHash.ParsePool(p));
        var hashes = await redis.CallAsync(
            "actors_get",
            db => Task.WhenAll(ids.Select((id, i) => known[i] is { } pool ? db.HashGetAllAsync(ActorKey(id, pool)) : Task.FromResult<StackExchange.Redis.HashEntry[]>([]))),
            cancellationToken);
        return ids.Select((id, i) => RedisHash.From(hashes[i]) is { } hash ? ActorHash.Read(id, known[i]!, hash) : null).ToArray();
    }
}
