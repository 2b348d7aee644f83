using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;

namespace Guard.Control.Input;

/// <summary>Reads the headers a serverless pool wants on every call to its URL.</summary>
internal static class HeadersInput
{
    /// <summary>What replies show in place of a value. Refused as a value: someone is putting back what a reply showed.</summary>
    public const string Hidden = "***";

    private const int MaxCount = 64;
    private const int MaxValueLength = 8192;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Those that Guard or HTTP itself sets.</summary>
    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
        [
            "accept", "connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade",
        ],
        StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyDictionary<string, string> Read(JsonFields fields, string name)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (fields.OptionalObject(name) is not { } given)
        {
            return headers;
        }

        foreach (var member in given.Members())
        {
            var path = given.PathTo(member.Name);
            if (!IsName(member.Name))
            {
                given.Errors.Add(
                    path, "must be a header name that neither HTTP framing nor Guard sets itself (x-rivet-*, x-guard-*, host, accept and the like)");
            }
            else if (member.Value.ValueKind != JsonValueKind.String || !IsValue(member.Value.GetString()!))
            {
                given.Errors.Add(
                    path, $"must be a text of at most {MaxValueLength} printable ASCII characters, spaces and tabs, other than {Hidden}");
            }
            else if (!headers.TryAdd(member.Name, member.Value.GetString()!))
            {
                given.Errors.Add(path, "given twice in different case; allowed once");
            }
        }

        if (headers.Count > MaxCount)
        {
            given.Errors.Add(given.Path, $"must have at most {MaxCount} headers");
        }

        return headers;
    }

    private static bool IsName(string name)
        => name.Length is > 0 and <= 256
            && !name.AsSpan().ContainsAnyExcept(TokenCharacters)
            && !Reserved.Contains(name)
            && !name.StartsWith("x-rivet-", StringComparison.OrdinalIgnoreCase)
            && !name.StartsWith("x-guard-", StringComparison.OrdinalIgnoreCase);

    private static bool IsValue(string value)
        => value.Length <= MaxValueLength && value != Hidden && value.All(c => c is (>= ' ' and <= '~') or '\t');
}
