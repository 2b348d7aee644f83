namespace Guard.Core.Request.Routing;

/// <summary>
/// The cache's key of an actor that is named by namespace, name and key: the three joined by <c>/</c>. It is unambiguous because
/// neither namespaces nor names contain one.
/// </summary>
internal static class NameKeys
{
    /// <summary>63 + 64 + 1024 characters at most, and two separators.</summary>
    public const int MaxLength = 63 + 64 + 1024 + 2;

    public static string Create(string @namespace, string name, string key) => $"{@namespace}/{name}/{key}";

    /// <summary>Writes the key into <paramref name="destination"/> and returns the part written; empty when it does not fit.</summary>
    public static ReadOnlySpan<char> Write(ReadOnlySpan<char> @namespace, ReadOnlySpan<char> name, ReadOnlySpan<char> key, Span<char> destination)
    {
        var length = @namespace.Length + name.Length + key.Length + 2;
        if (length > destination.Length)
        {
            return default;
        }

        @namespace.CopyTo(destination);
        destination[@namespace.Length] = '/';
        name.CopyTo(destination[(@namespace.Length + 1)..]);
        destination[@namespace.Length + 1 + name.Length] = '/';
        key.CopyTo(destination[(@namespace.Length + name.Length + 2)..]);
        return destination[..length];
    }

    /// <summary>Whether <paramref name="nameKey"/> is the three, joined.</summary>
    public static bool Equal(ReadOnlySpan<char> nameKey, string @namespace, string name, string key)
        => nameKey.Length == @namespace.Length + name.Length + key.Length + 2
            && nameKey.EndsWith(key)
            && nameKey.StartsWith(@namespace)
            && nameKey[@namespace.Length] == '/'
            && nameKey[(@namespace.Length + 1)..].StartsWith(name)
            && nameKey[@namespace.Length + 1 + name.Length] == '/';
}
