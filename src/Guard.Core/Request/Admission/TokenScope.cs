using System.Collections.Frozen;
using System.IO.Enumeration;
using Guard.Model.Ids;

namespace Guard.Core.Request.Admission;

/// <summary>
/// What a token is good for: namespaces, and of them pools and actors. Patterns may hold <c>*</c> and <c>?</c>; an actor's pattern is
/// matched with its name, with <c>name/key</c> and with its id. Immutable.
/// </summary>
/// <param name="namespaces">Null = all.</param>
/// <param name="pools">Patterns; null = all.</param>
/// <param name="actors">Patterns; null = all.</param>
internal sealed class TokenScope(IReadOnlyCollection<string>? namespaces, IReadOnlyCollection<string>? pools = null, IReadOnlyCollection<string>? actors = null)
{
    public const string Any = "*";

    public static readonly TokenScope All = new(null);

    private readonly FrozenSet<string>? _namespaces = namespaces is null || namespaces.Contains(Any) ? null : namespaces.ToFrozenSet(StringComparer.Ordinal);
    private readonly string[]? _pools = pools is null || pools.Contains(Any) ? null : [.. pools];
    private readonly string[]? _actors = actors is null || actors.Contains(Any) ? null : [.. actors];

    /// <summary>Nothing is out of it.</summary>
    public bool IsAll => _namespaces is null && _pools is null && _actors is null;

    public bool Allows(PoolId pool, string name, string? key, string id)
        => HasNamespace(pool.Namespace) && HasPool(pool.Name) && (HasActor(name, key) || Matches(_actors, id));

    /// <summary>Whether an actor may be looked for by its key: only then can one be found that is in the scope.</summary>
    public bool MayFind(string @namespace) => HasNamespace(@namespace);

    /// <summary>Whether an actor of that key may be made there. Its id is not known yet: a pattern that names ids makes none.</summary>
    public bool MayCreate(string @namespace, string? pool, string name, string key)
        => HasNamespace(@namespace) && (pool is null || HasPool(pool)) && HasActor(name, key);

    /// <summary>Whether every actor of that key is in the scope, whatever its pool and id: then it may be said that there is none.</summary>
    public bool CoversKey(string @namespace, string name, string key) => HasNamespace(@namespace) && _pools is null && HasActor(name, key);

    private static bool Matches(string[]? patterns, string text)
        => patterns is null || Array.Exists(patterns, pattern => FileSystemName.MatchesSimpleExpression(pattern, text, ignoreCase: false));

    private bool HasNamespace(string @namespace) => _namespaces is null || _namespaces.Contains(@namespace);

    private bool HasPool(string pool) => Matches(_pools, pool);

    private bool HasActor(string name, string? key) => Matches(_actors, name) || (key is not null && Matches(_actors, $"{name}/{key}"));
}
