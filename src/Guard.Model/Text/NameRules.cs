using System.Buffers;

namespace Guard.Model.Text;

/// <summary>What namespaces, pools, actors and runners may be called. The <c>Allowed</c> texts are for error details. Thread-safe.</summary>
internal static class NameRules
{
    /// <summary>Longest namespace or pool name, in characters.</summary>
    public const int MaxLabelLength = 63;

    /// <summary>Longest actor name, in characters.</summary>
    public const int MaxActorNameLength = 64;

    /// <summary>Longest key of a runner, in characters.</summary>
    public const int MaxRunnerKeyLength = 128;

    public const string LabelAllowed = "allowed are 1 to 63 characters of a-z, 0-9 and '-', not starting or ending with '-'";

    public const string ActorNameAllowed = "allowed are 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-'";

    public const string RunnerKeyAllowed = "must be 1 to 128 characters, none of them a control character";

    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly SearchValues<char> ActorNameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Whether this can name a namespace or a pool: an RFC 1123 label in lower case.</summary>
    public static bool IsLabel(ReadOnlySpan<char> name)
        => name.Length is > 0 and <= MaxLabelLength && name[0] != '-' && name[^1] != '-' && !name.ContainsAnyExcept(LabelCharacters);

    /// <summary>Whether this can name an actor.</summary>
    public static bool IsActorName(ReadOnlySpan<char> name)
        => name.Length is > 0 and <= MaxActorNameLength && !name.ContainsAnyExcept(ActorNameCharacters);

    /// <summary>Whether a runner can have this key.</summary>
    public static bool IsRunnerKey(string key) => key.Length is > 0 and <= MaxRunnerKeyLength && !key.Any(char.IsControl);
}
