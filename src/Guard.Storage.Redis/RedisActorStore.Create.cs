using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <remarks>
/// A key and its actor stand in different slots, so creating goes in steps that anyone may finish: set the key's entry to pending if it is
/// absent, index the actor and create it in its pool's slot if it is absent, make the entry live. While the entry is pending the record may
/// be there without its index: every reader that meets a pending entry takes the same steps for the actor it names. Whose script made the
/// record is the creator; all others found it. A creator may die between any two steps.
/// </remarks>
internal sealed partial class RedisActorStore
{
    /// <inheritdoc/>
    public async ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
    {
        var entryKey = redis.Keys.ActorKey(@namespace, name, key);
        var entry = await EntryAsync(entryKey, cancellationToken);
        if (entry is null || await GetAsync(entry.Id, entry.Pool, cancellationToken) is not { State: not ActorState.Destroyed } actor || !IsOf(actor, name, key))
        {
            return null;
        }

        if (entry.IsPending && await IndexAsync(actor.Id, actor.Pool, name, cancellationToken) is null)
        {
            await SettleAsync(entryKey, entry, cancellationToken);
        }

        return actor;
    }

    /// <inheritdoc/>
    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken)
        => actor.Key is { } key
            ? CreateKeyedAsync(actor, redis.Keys.ActorKey(actor.Pool.Namespace, actor.Name, key), cancellationToken)
            : CreateKeylessAsync(actor, cancellationToken);

    private async ValueTask<CreateActorResult> CreateKeylessAsync(NewActor actor, CancellationToken cancellationToken)
        => await pools.IsConfiguredAsync(actor.Pool, cancellationToken)
            ? await MakeAsync(actor, isFresh: false, cancellationToken)
            : new(CreateActorStatus.NoPool, null);

    private async ValueTask<CreateActorResult> CreateKeyedAsync(NewActor actor, RedisKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var mine = KeyEntry.Pending(actor.Id, actor.Pool);
            var (entry, isConfigured) = await ReserveAsync(key, mine, cancellationToken);
            var isReserved = entry is null;
            if (entry is null)
            {
                if (!isConfigured)
                {
                    await SwapAsync(key, mine, "", cancellationToken);
                    return new(CreateActorStatus.NoPool, null);
                }

                entry = mine;
            }
            else
            {
                var held = await GetAsync(entry.Id, entry.Pool, cancellationToken);
                var isHeld = held is { State: not ActorState.Destroyed } && IsOf(held, actor.Name, actor.Key);
                if (isHeld && !entry.IsPending)
                {
                    return new(CreateActorStatus.KeyTaken, held);
                }

                if (!isHeld && (!entry.IsPending || held is not null))
                {
                    // The holder is gone for good, or the key was kept for an id that is another's.
                    if (!isConfigured)
                    {
                        return new(CreateActorStatus.NoPool, null);
                    }

                    if (!await SwapAsync(key, entry, mine.Text, cancellationToken))
                    {
                        continue;
                    }

                    entry = mine;
                }
            }

            var made = await MakeAsync(actor with { Id = entry.Id, Pool = entry.Pool }, isReserved && actor.IsIdFresh, cancellationToken);
            if (made.Status == CreateActorStatus.NoPool)
            {
                await SwapAsync(key, entry, "", cancellationToken);
                if (entry.Id == actor.Id)
                {
                    return made;
                }
            }
            else if (made.Actor is { State: ActorState.Destroyed } gone)
            {
                if (entry.Id == actor.Id)
                {
                    // The caller's own id is a tombstone: it can never be made.
                    await SwapAsync(key, entry, "", cancellationToken);
                    return new(CreateActorStatus.KeyTaken, gone);
                }
            }
            else if (made.Status == CreateActorStatus.KeyTaken && (made.Actor is null || !made.Actor.Pool.Equals(entry.Pool) || !IsOf(made.Actor, actor.Name, actor.Key)))
            {
                // The id has another actor: nobody can have it under this key.
                await SwapAsync(key, entry, "", cancellationToken);
                if (entry.Id == actor.Id)
                {
                    return made;
                }
            }
            else if (await SettleAsync(key, entry, cancellationToken))
            {
                return made;
            }
            else if (made.Status == CreateActorStatus.Created)
            {
                // The key went to another actor meanwhile. Mostly others had found this one, destroyed it and made the next, and nothing is
                // left to do. Or the entry went with the pool's runner-config for a moment, and nobody was told of this one: it goes, but
                // its tombstone stays, for whoever met the entry and is between two steps would make it again.
                await DestroyAsync(entry.Id, cancellationToken);
                if (entry.Id == actor.Id)
                {
                    actor = actor with { Id = ActorId.New(actor.Id.Label) };
                }
            }
        }
    }

    /// <summary>Indexes an actor and creates it, if it is absent, in its pool's slot.</summary>
    /// <param name="actor">The actor.</param>
    /// <param name="isFresh">Its key is reserved for it and no other actor can have its id: all is written in one round trip. Otherwise
    /// the index is written first, for it says whether the id is another's.</param>
    /// <param name="cancellationToken">Ends the caller's wait.</param>
    private async ValueTask<CreateActorResult> MakeAsync(NewActor actor, bool isFresh, CancellationToken cancellationToken)
    {
        if (!isFresh && await IndexAsync(actor.Id, actor.Pool, actor.Name, cancellationToken) is { } other)
        {
            return new(CreateActorStatus.KeyTaken, await GetAsync(actor.Id, other, cancellationToken));
        }

        var reply = isFresh
            ? await redis.CallAsync("actor_create", db => CreateAsync(db, actor), cancellationToken)
            : await EvaluateAsync("actor_create", actor.Pool, Arguments(actor), cancellationToken);
        if ((string?)reply[0] == "nopool")
        {
            // The runner-config went since it was looked for. The index entries stay and lead nowhere: another one may be about to make
            // this very actor, and must not lose them.
            return new(CreateActorStatus.NoPool, null);
        }

        var record = ActorHash.Read(actor.Id, actor.Pool, RedisHash.Of(reply[1]));
        return new((string?)reply[0] == "created" ? CreateActorStatus.Created : CreateActorStatus.KeyTaken, record);
    }

    private async Task<RedisReply> CreateAsync(IDatabase db, NewActor actor)
    {
        var owner = _index.SetPoolAsync(db, actor.Id, actor.Pool);
        var listed = _index.AddAsync(db, actor.Pool.Namespace, actor.Id.ToString(), RedisIndex.Actors, RedisIndex.Named(actor.Name));
        var made = redis.EvaluateAsync(db, "actor_create", [redis.Keys.Pool(actor.Pool)], Arguments(actor));
        await Task.WhenAll(owner, listed, made);
        return await made;
    }

    /// <summary>Notes the pool of an actor and lists it, also where the id was noted already: whoever noted it may have come no further.
    /// The pool of the id when it is another one, and then nothing is listed.</summary>
    private async Task<PoolId?> IndexAsync(ActorId id, PoolId pool, string name, CancellationToken cancellationToken)
    {
        var owner = await _index.SetPoolAsync(id, pool, cancellationToken);
        if (owner is not null && !owner.Equals(pool))
        {
            return owner;
        }

        await _index.AddAsync(pool.Namespace, id.ToString(), cancellationToken, RedisIndex.Actors, RedisIndex.Named(name));
        return null;
    }

    /// <summary>An entry that is pending may name an id that turns out to be of another actor.</summary>
    private static bool IsOf(ActorRecord actor, string name, string? key) => actor.Name == name && actor.Key == key;

    private static RedisValue[] Arguments(NewActor actor) =>
    [
        actor.Id.ToString(), actor.Name, (int)actor.CrashPolicy,
        actor.Key is null ? 0 : 1, actor.Key ?? "",
        actor.Input is null ? 0 : 1, actor.Input ?? [],
        actor.Generation, actor.CreateTs is { } created ? created : "",
    ];

    private async Task<KeyEntry?> EntryAsync(RedisKey key, CancellationToken cancellationToken)
        => KeyEntry.Parse(await redis.CallAsync("key_get", db => db.StringGetAsync(key), cancellationToken));

    /// <summary>Reserves a key unless it has an entry, which is returned then, and looks, in the same round trip, whether the pool has a
    /// runner-config.</summary>
    private async Task<(KeyEntry? Held, bool IsConfigured)> ReserveAsync(RedisKey key, KeyEntry mine, CancellationToken cancellationToken)
    {
        var (held, isConfigured) = await redis.CallAsync(
            "key_reserve",
            async db =>
            {
                var held = db.StringSetAndGetAsync(key, mine.Text, when: When.NotExists);
                var isConfigured = db.HashExistsAsync(pools.ConfigKey(mine.Pool), "json");
                return (await held, await isConfigured);
            },
            cancellationToken);
        return (KeyEntry.Parse(held), isConfigured);
    }

    private async Task<bool> SwapAsync(RedisKey key, KeyEntry expected, string text, CancellationToken cancellationToken)
        => (int)await redis.EvaluateAsync("key_swap", [key], [expected.Text, text], cancellationToken) == 1;

    private async Task<bool> SettleAsync(RedisKey key, KeyEntry entry, CancellationToken cancellationToken)
        => (int)await redis.EvaluateAsync("key_settle", [key], [entry.Id.ToString(), entry.Pool.ToString()], cancellationToken) == 1;
}
