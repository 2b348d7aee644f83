using System.Globalization;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>
/// Finds out which format the store in Redis has before anything else is asked of it: <c>{prefix}:format</c> says so, for good. A store
/// that nobody has used yet gets the format of the first Guard; one with records and without the key is of format 1. Records are never
/// translated: a Guard set to another format is refused. Thread-safe; any number of checks may run at once, in any number of Guards.
/// </summary>
/// <remarks>
/// A build from before the key reads <c>{prefix}:namespaces</c> first and always. In a store of a later format a text stands there, so
/// that such a build is told of a wrong type instead of misreading records.
/// </remarks>
internal sealed class FormatCheck(RedisKeys keys)
{
    public const int Oldest = 1, Newest = 2;

    private volatile bool _hasPassed;
    private volatile string? _refusal;

    /// <summary>The store has the format this Guard is set to.</summary>
    public bool HasPassed => _hasPassed;

    /// <summary>Why the store is not for this Guard, and the way out, in one line; null while nothing is known against it.</summary>
    public string? Refusal => _refusal;

    /// <summary>The store may be another one by now.</summary>
    public void Forget() => _hasPassed = false;

    /// <summary>Looks; sets <see cref="HasPassed"/> and <see cref="Refusal"/>.</summary>
    public async Task RunAsync(IDatabase db)
    {
        var refusal = await LookAsync(db);
        _refusal = refusal;
        _hasPassed = refusal is null;
    }

    private async Task<string?> LookAsync(IDatabase db)
    {
        // First, so that a store from before the key is not claimed even for a moment.
        var old = keys.Format == Oldest ? RedisType.None : await db.KeyTypeAsync(keys.OldNamespaces);
        if (old == RedisType.Set)
        {
            return Describe(Oldest);
        }

        var found = await db.StringGetAsync(keys.FormatKey);
        var isClaimed = found.IsNull && await db.StringSetAsync(keys.FormatKey, keys.Format, when: When.NotExists);
        if (found.IsNull && !isClaimed)
        {
            found = await db.StringGetAsync(keys.FormatKey);
        }

        if (!isClaimed && found != keys.Format)
        {
            return Describe(int.TryParse(found.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var other) ? other : int.MaxValue);
        }

        if (keys.Format == Oldest || old != RedisType.None || await db.StringSetAsync(keys.OldNamespaces, Mark, when: When.NotExists)
            || await db.KeyTypeAsync(keys.OldNamespaces) != RedisType.Set)
        {
            return null;
        }

        // A build from before the key came in between.
        if (isClaimed)
        {
            await db.KeyDeleteAsync(keys.FormatKey);
        }

        return Describe(Oldest);
    }

    private string Mark => string.Create(CultureInfo.InvariantCulture,
        $"This store has format {keys.Format}. This build of Guard cannot read it: use one that knows Guard:Store:Redis:Format, and set that to {keys.Format}.");

    private string Describe(int found)
    {
        var way = found switch
        {
            Oldest => "records are not translated: set Guard:Store:Redis:Format to 1, or use another Guard:Store:Redis:KeyPrefix and import the actors there",
            <= Newest => FormattableString.Invariant($"set Guard:Store:Redis:Format to {found} for every Guard of this store"),
            _ => "this build does not know it: use the build that made the store, or another Guard:Store:Redis:KeyPrefix",
        };
        var format = found == int.MaxValue ? "another format" : FormattableString.Invariant($"format {found}");
        return FormattableString.Invariant($"the store in Redis with key prefix '{keys.Prefix}' has {format}, and this Guard is set to format {keys.Format}: {way}");
    }
}
