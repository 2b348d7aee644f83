namespace Guard.Core.Request.Targets;

/// <summary>The domain under which hosts name actors, <c>{actor_id}.{domain}</c>. Immutable; thread-safe.</summary>
internal sealed class HostDomain
{
    private readonly string _suffix;

    /// <param name="domain"><c>Gateway:ActorDomain</c>.</param>
    public HostDomain(string domain) => _suffix = "." + domain.Trim('.');

    /// <summary>Whether the host is one label under the domain. Its port and a final dot do not count, nor does case.</summary>
    /// <param name="host">The Host header.</param>
    /// <param name="label">The label, which should be an actor id.</param>
    public bool TryMatch(string? host, out ReadOnlySpan<char> label)
    {
        label = [];
        var name = host.AsSpan();
        var port = name.IndexOf(':');
        name = port < 0 ? name : name[..port];
        name = name.EndsWith(".") ? name[..^1] : name;
        if (name.Length <= _suffix.Length || !name.EndsWith(_suffix, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        label = name[..^_suffix.Length];
        return !label.Contains('.');
    }
}
