using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <remarks>
/// A key and its actor stand in different slots, so creating goes in steps that anyone may finish: set the key's entry to pending if it is
/// absent, index the actor, create it in its pool's slot if it is absent, make the entry live. Whoever meets a pending entry takes the same
/// steps for the actor it names. Whose script made the record is the creator; all others found it. A creator may die between any two steps.
/// </remarks>
internal sealed partial class RedisActorStore
{
    /// <inheritdoc/>
    public async ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
    {
        var entry = await EntryAsync(redis.Keys.ActorKey(@namespace, name, key), cancellationToken);
        return entry is not null && await GetAsync(entry.Id, entry.Pool, cancellationToken) is { State: not ActorState.Destroyed } actor
            && IsOf(actor, name, key)
            ? actor
            : null;
    }

    /// <inheritdoc/>
    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken)
        => actor.Key is { } key
            ? CreateKeyedAsync(actor, redis.Keys.ActorKey(actor.Pool.Namespace, actor.Name, key), cancellationToken)
            : CreateKeylessAsync(actor, cancellationToken);

    private async ValueTask<CreateActorResult> CreateKeylessAsync(NewActor actor, CancellationToken cancellationToken)
        => await pools.IsConfiguredAsync(actor.Pool, cancellationToken)
            ? await MakeAsync(actor, cancellationToken)
            : new(CreateActorStatus.NoPool, null);

    private async ValueTask<CreateActorResult> CreateKeyedAsync(NewActor actor, RedisKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var entry = await EntryAsync(key, cancellationToken);
            var held = entry is null ? null : await GetAsync(entry.Id, entry.Pool, cancellationToken);
            if (held is { State: not ActorState.Destroyed } && IsOf(held, actor.Name, actor.Key))
            {
                if (entry!.IsPending)
                {
                    await SettleAsync(key, entry, cancellationToken);
                }

                return new(CreateActorStatus.KeyTaken, held);
            }

            if (entry is not { IsPending: true } || held is not null)
            {
                // Nobody has the key, or somebody who is gone for good, or it was kept for an id that is another's.
                if (!await pools.IsConfiguredAsync(actor.Pool, cancellationToken))
                {
                    return new(CreateActorStatus.NoPool, null);
                }

                var mine = KeyEntry.Pending(actor.Id, actor.Pool, await NowAsync(cancellationToken));
                if (!await SwapAsync(key, entry, mine.Text, cancellationToken))
                {
                    continue;
                }

                entry = mine;
            }

            var made = await MakeAsync(actor with { Id = entry.Id, Pool = entry.Pool }, cancellationToken);
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
    private async ValueTask<CreateActorResult> MakeAsync(NewActor actor, CancellationToken cancellationToken)
    {
        var id = actor.Id.ToString();
        var taken = await _index.SetPoolAsync(actor.Id, actor.Pool, cancellationToken);
        if (taken is not null && !taken.Equals(actor.Pool))
        {
            return new(CreateActorStatus.KeyTaken, await GetAsync(actor.Id, taken, cancellationToken));
        }

        // Also where the id was noted already: whoever noted it may have come no further.
        await _index.AddAsync(actor.Pool.Namespace, id, cancellationToken, RedisIndex.Actors, RedisIndex.Named(actor.Name));
        var reply = await EvaluateAsync("actor_create", actor.Pool, Arguments(actor), cancellationToken);
        if ((string?)reply[0] == "nopool")
        {
            // The runner-config went since it was looked for. The index entries stay and lead nowhere: another one may be about to make
            // this very actor, and must not lose them.
            return new(CreateActorStatus.NoPool, null);
        }

        var record = ActorHash.Read(actor.Id, actor.Pool, RedisHash.Of(reply[1]));
        return new((string?)reply[0] == "created" ? CreateActorStatus.Created : CreateActorStatus.KeyTaken, record);
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

    private async Task<bool> SwapAsync(RedisKey key, KeyEntry? expected, string text, CancellationToken cancellationToken)
        => expected is null
            ? await redis.CallAsync("key_reserve", db => db.StringSetAsync(key, text, when: When.NotExists), cancellationToken)
            : (int)await redis.EvaluateAsync("key_swap", [key], [expected.Text, text], cancellationToken) == 1;

    private async Task<bool> SettleAsync(RedisKey key, KeyEntry entry, CancellationToken cancellationToken)
        => (int)await redis.EvaluateAsync("key_settle", [key], [entry.Id.ToString(), entry.Pool.ToString()], cancellationToken) == 1;

    private Task<long> NowAsync(CancellationToken cancellationToken) => redis.NowAsync(cancellationToken);
}
