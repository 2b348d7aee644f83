using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Guard.Control.Input;

/// <summary>The headers a serverless pool wants on every call to its URL.</summary>
internal sealed class HeadersAttribute() : RuleAttribute("must be an object")
{
    /// <summary>What replies show in place of a value. Refused as a value: someone is putting back what a reply showed.</summary>
    public const string Hidden = "***";

    private const int MaxCount = 64;
    private const int MaxValueLength = 8192;

    private const string NameAllowed =
        "must be a header name that neither HTTP framing nor Guard sets itself (x-rivet-*, x-guard-*, host, accept and the like)";

    private const string ValueAllowed = $"must be a text of at most 8192 printable ASCII characters, spaces and tabs, other than {Hidden}";

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Those that Guard or HTTP itself sets.</summary>
    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
        [
            "accept", "connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade",
        ],
        StringComparer.OrdinalIgnoreCase);

    public override Fault? Check(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return new Fault("", Allowed);
        }

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in value.EnumerateObject())
        {
            var wrong = !IsName(header.Name) ? NameAllowed : !IsValue(header.Value) ? ValueAllowed
                : !names.Add(header.Name) ? "given twice in different case; allowed once" : null;
            if (wrong is not null)
            {
                return new Fault("", wrong).In(header.Name);
            }
        }

        return names.Count <= MaxCount ? null : new Fault("", string.Create(CultureInfo.InvariantCulture, $"must have at most {MaxCount} headers"));
    }

    private static bool IsName(string name)
        => name.Length is > 0 and <= 256
            && !name.AsSpan().ContainsAnyExcept(TokenCharacters)
            && !Reserved.Contains(name)
            && !name.StartsWith("x-rivet-", StringComparison.OrdinalIgnoreCase)
            && !name.StartsWith("x-guard-", StringComparison.OrdinalIgnoreCase);

    private static bool IsValue(JsonElement value)
        => value.ValueKind == JsonValueKind.String && value.GetString() is { Length: <= MaxValueLength } text && text != Hidden
            && text.All(c => c is (>= ' ' and <= '~') or '\t');
}
