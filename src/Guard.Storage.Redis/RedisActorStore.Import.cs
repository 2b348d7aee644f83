using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <remarks>
/// The steps of creating an actor (see the other part), each taken for the whole batch at once: five round trips when all are new, two
/// when all are there. Entries that are pending, because another import or a creator that died is in the middle of it, are finished
/// along with the rest. What does not go as expected is created by itself, in the steps that settle any race.
/// </remarks>
internal sealed partial class RedisActorStore
{
    /// <summary>Actors one script writes: Redis serves nobody else meanwhile (some 2 ms).</summary>
    private const int ImportedPerScript = 256;

    /// <summary>Actors created by themselves at a time.</summary>
    private const int ImportedAlone = 64;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ImportOutcome>> ImportAsync(IReadOnlyList<ImportedActor> batch, CancellationToken cancellationToken)
    {
        var outcomes = new ImportOutcome?[batch.Count];

        // The second pass finds the entries of those who came first to a key: another import, or a line before it in this batch.
        for (var pass = 0; pass < 2 && Open(outcomes).Length > 0; pass++)
        {
            await ImportOpenAsync(batch, outcomes, cancellationToken);
        }

        // Those of one key one after the other: who comes first in the batch comes first to it.
        var rest = Open(outcomes).GroupBy(i => batch[i].Actor.Key is null ? redis.Keys.ActorPool(batch[i].Actor.Id) : KeyOf(batch[i].Actor));
        foreach (var alone in rest.Chunk(ImportedAlone))
        {
            await Task.WhenAll(alone.Select(async group =>
            {
                foreach (var i in group)
                {
                    outcomes[i] = await ImportAloneAsync(batch[i], cancellationToken);
                }
            }));
        }

        return Array.ConvertAll(outcomes, o => o!.Value);
    }

    /// <summary>Places in a batch that have no outcome yet.</summary>
    private static int[] Open(ImportOutcome?[] outcomes) => [.. Enumerable.Range(0, outcomes.Length).Where(i => outcomes[i] is null)];

    private async Task<ImportOutcome> ImportAloneAsync(ImportedActor imported, CancellationToken cancellationToken)
    {
        var result = await CreateAsync(imported.Actor, cancellationToken);
        if (!imported.HasOwnId && result.Actor is { State: ActorState.Destroyed })
        {
            // An id of no meaning that a pass has used up.
            result = await CreateAsync(imported.Actor with { Id = ActorId.New(imported.Actor.Id.Label) }, cancellationToken);
        }

        return ImportOutcome.Of(imported, result);
    }

    /// <summary>Takes every step for those that have no outcome, and leaves without one what did not go as expected.</summary>
    private async Task ImportOpenAsync(IReadOnlyList<ImportedActor> batch, ImportOutcome?[] outcomes, CancellationToken cancellationToken)
    {
        var now = NowAsync(cancellationToken);
        var importing = await LookAsync(batch, outcomes, cancellationToken);
        importing = await ReserveAsync(importing, await now, cancellationToken);
        importing = await IndexAsync(importing, cancellationToken);
        await WriteAsync(importing, cancellationToken);
        await SettleAsync(importing, cancellationToken);
        foreach (var m in importing.Where(m => m.Result is ImportResult.Created or ImportResult.Found))
        {
            outcomes[m.Index] = batch[m.Index].HasOwnId && batch[m.Index].Actor.Id != m.Actor.Id
                ? new(ImportStatus.Conflict, m.Actor.Id)
                : new(m.Result == ImportResult.Created ? ImportStatus.Created : ImportStatus.Exists);
        }
    }

    /// <summary>Two round trips, one when no key is taken: what is there gets its outcome, the rest is to be made.</summary>
    private async Task<List<Importing>> LookAsync(
        IReadOnlyList<ImportedActor> batch, ImportOutcome?[] outcomes, CancellationToken cancellationToken)
    {
        var open = Open(outcomes);
        var mentioned = open.Select(i => batch[i].Actor.Pool).Distinct().ToArray();
        var (keys, owners, configs) = await redis.CallAsync(
            "import_look",
            async db =>
            {
                var keys = Array.ConvertAll(open, i => batch[i].Actor.Key is null ? Nothing : db.StringGetAsync(KeyOf(batch[i].Actor)));
                var owners = Array.ConvertAll(open, i => batch[i].HasOwnId ? db.StringGetAsync(redis.Keys.ActorPool(batch[i].Actor.Id)) : Nothing);
                var configs = Array.ConvertAll(mentioned, p => db.HashExistsAsync(pools.ConfigKey(p), "json"));
                return (await Task.WhenAll(keys), await Task.WhenAll(owners), await Task.WhenAll(configs));
            },
            cancellationToken);
        var entries = Array.ConvertAll(keys, k => KeyEntry.Parse(k));
        var gone = await GoneAsync(entries, cancellationToken);
        var configured = mentioned.Where((_, i) => configs[i]).ToHashSet();
        var importing = new List<Importing>();
        var claimed = new HashSet<RedisKey>();
        for (var o = 0; o < open.Length; o++)
        {
            var (i, imported) = (open[o], batch[open[o]]);
            var entry = entries[o];
            if (entry is { IsPending: true })
            {
                importing.Add(new(i, imported.Actor with { Id = entry.Id, Pool = entry.Pool }) { IsReserved = true });
            }
            else if (entry is not null && gone.Contains(entry.Id))
            {
                // Its actor was destroyed, and the entry stays until somebody asks for the key: creating one by itself replaces it.
            }
            else if (entry is not null)
            {
                outcomes[i] = imported.HasOwnId && entry.Id != imported.Actor.Id ? new(ImportStatus.Conflict, entry.Id) : new(ImportStatus.Exists);
            }
            else if (imported.Actor.Key is not null && !claimed.Add(KeyOf(imported.Actor)))
            {
                // A line before it in this batch may make the actor of its key: what that comes to decides, and the next pass sees it.
            }
            else if (!configured.Contains(imported.Actor.Pool))
            {
                outcomes[i] = new(ImportStatus.NoPool);
            }
            else if (owners[o].HasValue && !imported.Actor.Pool.Equals(RedisHash.ParsePool(owners[o])))
            {
                outcomes[i] = new(ImportStatus.Conflict);
            }
            else
            {
                importing.Add(new(i, imported.Actor) { IsReserved = imported.Actor.Key is null });
            }
        }

        return importing;
    }

    /// <summary>The actors among those that have keys which are no more.</summary>
    private async Task<HashSet<ActorId>> GoneAsync(KeyEntry?[] entries, CancellationToken cancellationToken)
    {
        var held = entries.OfType<KeyEntry>().Where(e => !e.IsPending).ToArray();
        if (held.Length == 0)
        {
            return [];
        }

        var states = await redis.CallAsync(
            "import_held", db => Task.WhenAll(Array.ConvertAll(held, e => db.HashGetAsync(ActorKey(e.Id, e.Pool), "s"))), cancellationToken);
        return held.Where((_, i) => states[i].IsNull || (ActorState)(int)states[i] == ActorState.Destroyed).Select(e => e.Id).ToHashSet();
    }

    /// <summary>Sets the entries of keys to pending where there is none. Who came second is left out.</summary>
    private async Task<List<Importing>> ReserveAsync(List<Importing> importing, long now, CancellationToken cancellationToken)
    {
        var wanted = importing.FindAll(m => !m.IsReserved);
        if (wanted.Count > 0)
        {
            var got = await redis.CallAsync(
                "key_reserve",
                db => Task.WhenAll(wanted.Select(m =>
                    db.StringSetAsync(KeyOf(m.Actor), KeyEntry.Pending(m.Actor.Id, m.Actor.Pool, now).Text, when: When.NotExists))),
                cancellationToken);
            for (var i = 0; i < got.Length; i++)
            {
                wanted[i].IsReserved = got[i];
            }
        }

        return importing.FindAll(m => m.IsReserved);
    }

    /// <summary>Notes the pools of ids and lists them, before there is anything to lead to. An id of another pool is left out.</summary>
    private async Task<List<Importing>> IndexAsync(List<Importing> importing, CancellationToken cancellationToken)
    {
        if (importing.Count == 0)
        {
            return importing;
        }

        var owners = await redis.CallAsync(
            "actor_pool",
            db => Task.WhenAll(importing.Select(m =>
                db.StringSetAndGetAsync(redis.Keys.ActorPool(m.Actor.Id), m.Actor.Pool.ToString(), when: When.NotExists))),
            cancellationToken);
        var mine = importing.Where((m, i) => owners[i].IsNull || m.Actor.Pool.Equals(RedisHash.ParsePool(owners[i]))).ToList();
        var lists = mine.GroupBy(m => m.Actor.Pool.Namespace).SelectMany(g => g.Chunk(ImportedPerScript)).Select(chunk => (
            redis.Keys.Namespace(chunk[0].Actor.Pool.Namespace),
            chunk.SelectMany(m => new RedisValue[] { m.Actor.Id.ToString(), m.Actor.Name }).ToArray()));
        await redis.EvaluateManyAsync("index_add_many", [.. lists], cancellationToken);
        return mine;
    }

    /// <summary>Makes the records, a pool's slot at a time.</summary>
    private async Task WriteAsync(List<Importing> importing, CancellationToken cancellationToken)
    {
        if (importing.Count == 0)
        {
            return;
        }

        var chunks = importing.GroupBy(m => m.Actor.Pool).SelectMany(g => g.Chunk(ImportedPerScript)).ToArray();
        var replies = await redis.EvaluateManyAsync(
            "actors_import",
            [.. chunks.Select(chunk => (redis.Keys.Pool(chunk[0].Actor.Pool), chunk.SelectMany(m => Arguments(m.Actor)).ToArray()))],
            cancellationToken);
        for (var c = 0; c < chunks.Length; c++)
        {
            for (var i = 0; i < chunks[c].Length; i++)
            {
                // No reply: the runner-config went since it was looked for.
                chunks[c][i].Result = replies[c].Length == 0 ? ImportResult.Other : (ImportResult)(int)replies[c][i];
            }
        }
    }

    /// <summary>Makes the entries of keys live.</summary>
    private async Task SettleAsync(List<Importing> importing, CancellationToken cancellationToken)
    {
        var keyed = importing.FindAll(m => m.Actor.Key is not null && m.Result is ImportResult.Created or ImportResult.Found);
        if (keyed.Count == 0)
        {
            return;
        }

        var settled = await redis.EvaluateManyAsync(
            "key_settle", [.. keyed.Select(m => (KeyOf(m.Actor), new RedisValue[] { m.Actor.Id.ToString(), m.Actor.Pool.ToString() }))], cancellationToken);
        for (var i = 0; i < keyed.Count; i++)
        {
            if ((int)settled[i] == 1)
            {
                continue;
            }

            if (keyed[i].Result == ImportResult.Created)
            {
                // The key went to another actor meanwhile: as in creating one by itself.
                await DestroyAsync(keyed[i].Actor.Id, cancellationToken);
            }

            keyed[i].Result = ImportResult.Other;
        }
    }

    private RedisKey KeyOf(NewActor actor) => redis.Keys.ActorKey(actor.Pool.Namespace, actor.Name, actor.Key!);

    private static Task<RedisValue> Nothing => Task.FromResult(RedisValue.Null);

    /// <summary>What the script <c>actors_import</c> said of one actor.</summary>
    private enum ImportResult
    {
        /// <summary>It is there, with the same name and key.</summary>
        Found = 0,
        Created = 1,

        /// <summary>It was destroyed, another has its id, or its pool has no runner-config: the steps one by one say which.</summary>
        Other = 2,
    }

    /// <param name="index">Its place in the batch.</param>
    /// <param name="actor">To be made: the one of the batch, or the one its key is reserved for.</param>
    private sealed class Importing(int index, NewActor actor)
    {
        public int Index { get; } = index;

        public NewActor Actor { get; } = actor;

        /// <summary>Its key is kept for it; or it has none.</summary>
        public bool IsReserved { get; set; }

        public ImportResult Result { get; set; } = ImportResult.Other;
    }
}
