using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;

namespace Guard.Control.Input;

/// <summary>The headers a serverless pool wants on every call to its URL. What is allowed is said of each value.</summary>
internal sealed class HeadersAttribute()
    : RuleAttribute($"must be a text of at most 8192 printable ASCII characters, spaces and tabs, other than {Hidden}")
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

    public override Fault? Check(object value)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, text) in (IReadOnlyDictionary<string, string>)value)
        {
            if (!IsName(name))
            {
                return new Fault(
                    "", "must be a header name that neither HTTP framing nor Guard sets itself (x-rivet-*, x-guard-*, host, accept and the like)").In(name);
            }

            if (!IsValue(text))
            {
                return new Fault("", Allowed).In(name);
            }

            if (!names.Add(name))
            {
                return new Fault("", "given twice in different case; allowed once").In(name);
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

    /// <param name="value">Null where the body has a null.</param>
    private static bool IsValue(string? value)
        => value is not null && value.Length <= MaxValueLength && value != Hidden && value.All(c => c is (>= ' ' and <= '~') or '\t');
}
