using System.Globalization;

namespace Guard.Control.Input;

/// <summary>
/// Makes the texts of a report readable whatever they quote: a crash message cut in the middle of a character, or a page with NUL in it,
/// must not keep Guard from hearing that the actor crashed.
/// </summary>
internal static class ReportText
{
    private const int EscapeLength = 6;

    /// <summary>Replaces the escapes of NUL and of lone surrogates by <c>\ufffd</c>, in place; what is no JSON stays none.</summary>
    public static void Repair(Span<byte> json)
    {
        var rest = json;
        while (rest.IndexOf((byte)'\\') is >= 0 and var at)
        {
            rest = rest[at..];
            var taken = Math.Min(2, rest.Length);
            if (CodeUnit(rest) is { } first)
            {
                taken = EscapeLength;
                if (char.IsHighSurrogate(first) && CodeUnit(rest[EscapeLength..]) is { } second && char.IsLowSurrogate(second))
                {
                    taken = 2 * EscapeLength;
                }
                else if (first == '\0' || char.IsSurrogate(first))
                {
                    "\\ufffd"u8.CopyTo(rest);
                }
            }

            rest = rest[taken..];
        }
    }

    /// <summary>What the escape at the beginning stands for; null when there is none.</summary>
    private static char? CodeUnit(ReadOnlySpan<byte> json)
        => json.Length >= EscapeLength && json.StartsWith("\\u"u8)
            && ushort.TryParse(json[2..EscapeLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
            ? (char)unit
            : null;
}
