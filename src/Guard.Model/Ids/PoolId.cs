namespace Guard.Model.Ids;

/// <summary>
/// Names a pool: a namespace and a pool name, both RFC 1123 labels. Immutable, thread-safe, compared by value; the hash is computed once,
/// and being a reference type it serves as a <c>MemoryCache</c> key without allocating.
/// </summary>
internal sealed class PoolId : IEquatable<PoolId>
{
    private readonly int _hash;

    public PoolId(string @namespace, string name)
    {
        Namespace = @namespace;
        Name = name;
        _hash = HashCode.Combine(@namespace, name);
    }

    public string Namespace { get; }

    /// <summary>The pool's name; <c>runner_name</c> in JSON.</summary>
    public string Name { get; }

    public bool Equals(PoolId? other)
        => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && Name == other.Name && Namespace == other.Namespace);

    public override bool Equals(object? obj) => Equals(obj as PoolId);

    public override int GetHashCode() => _hash;

    public override string ToString() => $"{Namespace}/{Name}";
}
