using StackExchange.Redis;

namespace Guard.Core.Storage.Redis;

/// <remarks>
/// The steps of creating an actor (see the other part), each taken for the whole batch at once. Where somebody else is in the middle of
/// creating the same actor, or something is not as expected, that one is created by itself, in the steps that settle any race.
/// </remarks>
internal sealed partial class RedisActorStore
{
    /// <summary>Actors one script creates: Redis serves nobody else meanwhile.</summary>
    private const int ImportedPerCall = 256;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ImportOutcome>> ImportAsync(IReadOnlyList<ImportedActor> batch, CancellationToken cancellationToken)
    {
        var outcomes = new ImportOutcome?[batch.Count];
        var missing = await LookAsync(batch, outcomes, cancellationToken);
        if (missing.Count > 0)
        {
            await ReserveAsync(missing, cancellationToken);
            missing = missing.FindAll(m => m.IsMine);
            foreach (var group in missing.GroupBy(m => m.Actor.Pool.Namespace))
            {
                RedisValue[] entries = [.. group.SelectMany(m => new RedisValue[] { m.Actor.Id.ToString(), m.Actor.Name })];
                await redis.EvaluateAsync("index_add_many", [redis.Keys.Namespace(group.Key)], entries, cancellationToken);
            }

            await WriteAsync(missing, cancellationToken);
            await SettleAsync(missing, outcomes, cancellationToken);
        }

        for (var i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] ??= ImportOutcome.Of(batch[i], await CreateAsync(batch[i].Actor, cancellationToken));
        }

        return Array.ConvertAll(outcomes, o => o!.Value);
    }

    /// <summary>One round trip: what is there, and what is to be made.</summary>
    private async Task<List<Importing>> LookAsync(
        IReadOnlyList<ImportedActor> batch, ImportOutcome?[] outcomes, CancellationToken cancellationToken)
    {
        var configured = batch.Select(b => b.Actor.Pool).Distinct().ToArray();
        var (keys, owners, configs) = await redis.CallAsync(
            "import_look",
            async db =>
            {
                var keys = Task.WhenAll(batch.Select(b => b.Actor.Key is null ? Task.FromResult(RedisValue.Null) : db.StringGetAsync(KeyOf(b.Actor))));
                var owners = Task.WhenAll(batch.Select(b => db.StringGetAsync(redis.Keys.ActorPool(b.Actor.Id))));
                var configs = Task.WhenAll(configured.Select(p => db.HashExistsAsync(pools.ConfigKey(p), "json")));
                return (await keys, await owners, await configs);
            },
            cancellationToken);
        var known = configured.Where((_, i) => configs[i]).ToHashSet();
        var missing = new List<Importing>();
        for (var i = 0; i < batch.Count; i++)
        {
            var entry = KeyEntry.Parse(keys[i]);
            if (entry is { IsPending: false })
            {
                // A key's entry is gone a moment after its actor: what is taken for there may just have been destroyed.
                outcomes[i] = batch[i].HasOwnId && entry.Id != batch[i].Actor.Id ? new(ImportStatus.Conflict, entry.Id) : new(ImportStatus.Exists);
            }
            else if (!known.Contains(batch[i].Actor.Pool))
            {
                outcomes[i] = new(ImportStatus.NoPool);
            }
            else if (owners[i].HasValue && !Equals(RedisHash.ParsePool(owners[i]), batch[i].Actor.Pool))
            {
                outcomes[i] = new(ImportStatus.Conflict);
            }
            else if (entry is null)
            {
                missing.Add(new(i, batch[i].Actor));
            }
        }

        return missing;
    }

    /// <summary>Sets the entries of keys to pending and notes the pools of ids, where they are absent. Who comes second is not mine.</summary>
    private async Task ReserveAsync(List<Importing> missing, CancellationToken cancellationToken)
    {
        var now = await NowAsync(cancellationToken);
        await redis.CallAsync(
            "import_reserve",
            async db =>
            {
                var keys = Task.WhenAll(missing.Select(m => m.Actor.Key is null
                    ? Task.FromResult(true)
                    : db.StringSetAsync(KeyOf(m.Actor), KeyEntry.Pending(m.Actor.Id, m.Actor.Pool, now).Text, when: When.NotExists)));
                var owners = Task.WhenAll(missing.Select(m =>
                    db.StringSetAsync(redis.Keys.ActorPool(m.Actor.Id), m.Actor.Pool.ToString(), when: When.NotExists)));
                await owners;
                var mine = await keys;
                for (var i = 0; i < mine.Length; i++)
                {
                    missing[i].IsMine = mine[i];
                }

                return true;
            },
            cancellationToken);
    }

    private async Task WriteAsync(List<Importing> missing, CancellationToken cancellationToken)
    {
        var chunks = missing.GroupBy(m => m.Actor.Pool).SelectMany(g => g.Chunk(ImportedPerCall)).ToArray();
        var replies = await redis.EvaluateManyAsync(
            "actors_import", [.. chunks.Select(chunk => (redis.Keys.Pool(chunk[0].Actor.Pool), Arguments(chunk)))], cancellationToken);
        for (var i = 0; i < chunks.Length; i++)
        {
            for (var j = 0; j < chunks[i].Length; j++)
            {
                // Nothing: the runner-config went since it was looked for.
                chunks[i][j].State = replies[i].Length == 0 ? -1 : (int)replies[i][j];
            }
        }
    }

    /// <summary>Makes the entries of keys live. What did not go as expected is left without an outcome.</summary>
    private async Task SettleAsync(List<Importing> missing, ImportOutcome?[] outcomes, CancellationToken cancellationToken)
    {
        var keyed = missing.FindAll(m => m.Actor.Key is not null && m.State is 0 or 1);
        var settled = await redis.EvaluateManyAsync(
            "key_settle", [.. keyed.Select(m => (KeyOf(m.Actor), new RedisValue[] { m.Actor.Id.ToString(), m.Actor.Pool.ToString() }))], cancellationToken);
        for (var i = 0; i < keyed.Count; i++)
        {
            if ((int)settled[i] != 1 && keyed[i].State == 1)
            {
                // The key went to another actor meanwhile; nobody was told of this one.
                await DestroyAsync(keyed[i].Actor.Id, cancellationToken);
            }

            keyed[i].IsMine = (int)settled[i] == 1;
        }

        foreach (var m in missing.Where(m => m.IsMine))
        {
            outcomes[m.Index] = m.State switch
            {
                1 => new ImportOutcome(ImportStatus.Created),
                0 => new ImportOutcome(ImportStatus.Exists),
                _ => null,
            };
        }
    }

    private static RedisValue[] Arguments(Importing[] chunk) => [.. chunk.SelectMany(m => new RedisValue[]
    {
        m.Actor.Id.ToString(), m.Actor.Name, (int)m.Actor.CrashPolicy,
        m.Actor.Key is null ? 0 : 1, m.Actor.Key ?? "",
        m.Actor.Input is null ? 0 : 1, m.Actor.Input ?? [],
    })];

    private RedisKey KeyOf(NewActor actor) => redis.Keys.ActorKey(actor.Pool.Namespace, actor.Name, actor.Key!);

    /// <param name="index">Its place in the batch.</param>
    /// <param name="actor">To be made.</param>
    private sealed class Importing(int index, NewActor actor)
    {
        public int Index { get; } = index;

        public NewActor Actor { get; } = actor;

        /// <summary>Nobody else is making it.</summary>
        public bool IsMine { get; set; }

        /// <summary>What the script said; -1 for nothing.</summary>
        public int State { get; set; }
    }
}
