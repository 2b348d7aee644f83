using System.Globalization;
using System.Text;

namespace Guard.Core.Options;

/// <summary>Why a configuration cannot be used: one key, what stands there, and what is allowed. Immutable.</summary>
/// <param name="Key">The full key, e.g. <c>Guard:FailFast:PollInterval</c>.</param>
/// <param name="Detail">The value, unless it may be a secret, and what is allowed. One line.</param>
internal sealed record OptionProblem(string Key, string Detail)
{
    private const int MaxShown = 80;
    private const string Hidden = "the value (not shown)";

    /// <param name="key">The full key.</param>
    /// <param name="value">As configured; never shown when <paramref name="isSecret"/>, or when it looks like a URL with a password.</param>
    /// <param name="isSecret">The key holds a secret.</param>
    /// <param name="allowed">Continues "expected …".</param>
    public static OptionProblem NotAllowed(string key, string value, bool isSecret, string allowed)
        => new(key, $"{(isSecret || MayHoldPassword(value) ? Hidden : Quote(value))} is not allowed; expected {allowed}");

    public override string ToString() => $"{Key}: {Detail}";

    /// <summary>All problems in one line: the first in full, the keys of the others.</summary>
    public static string Line(IReadOnlyList<OptionProblem> problems)
        => problems.Count == 1 ? problems[0].ToString() : $"{problems[0]} (also wrong: {string.Join(", ", problems.Skip(1).Select(p => p.Key).Distinct())})";

    /// <summary>Puts a value into one line: control characters are escaped, a long value is cut.</summary>
    public static string Quote(string value)
    {
        var text = new StringBuilder("'");
        foreach (var c in value.AsSpan(0, Math.Min(value.Length, MaxShown)))
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                text.Append(c);
            }
        }

        return text.Append(value.Length > MaxShown ? "…'" : "'").ToString();
    }

    private static bool MayHoldPassword(string value) => value.Contains('@', StringComparison.Ordinal);
}
