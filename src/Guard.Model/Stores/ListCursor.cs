using System.Globalization;

namespace Guard.Model.Stores;

/// <summary>
/// The cursors of the stores' lists. Opaque to callers; each list accepts only its own kind, and a text that is no such cursor is a
/// <see cref="FormatException"/>, for it came from a client.
/// </summary>
internal static class ListCursor
{
    public const char Actors = 'a';
    public const char ActorIds = 'i';
    public const char Runners = 'r';
    public const char Pools = 'p';

    private const int NumberDigits = 16;

    /// <summary>Highest <c>limit</c> of a page.</summary>
    public const int MaxLimit = 1000;

    public static void CheckLimit(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxLimit);
    }

    /// <summary>A cursor that stands for a place in an order of numbers.</summary>
    public static string At(char kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{kind}{number:x16}");

    /// <summary>The number of <see cref="At(char, long)"/>; null for no cursor.</summary>
    public static long? ReadNumber(char kind, string? cursor)
    {
        if (cursor is null)
        {
            return null;
        }

        // Negative numbers cannot have been issued; neither can upper case.
        var digits = cursor.AsSpan(cursor.Length == 0 ? 0 : 1);
        if (cursor.Length != 1 + NumberDigits || cursor[0] != kind || digits.ContainsAnyInRange('A', 'F')
            || !long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) || number < 0)
        {
            throw NotACursor();
        }

        return number;
    }

    /// <summary>A cursor that stands for a place in an order of pool names.</summary>
    public static string After(string name) => $"{Pools}{name}";

    /// <summary>The name of <see cref="After"/>; null for no cursor.</summary>
    public static string? ReadName(string? cursor)
    {
        if (cursor is null)
        {
            return null;
        }

        var name = cursor.AsSpan(cursor.Length == 0 ? 0 : 1);
        if (cursor.Length is < 2 or > 64 || cursor[0] != Pools || !IsLabel(name))
        {
            throw NotACursor();
        }

        return name.ToString();
    }

    private static bool IsLabel(ReadOnlySpan<char> name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-')
            {
                return false;
            }
        }

        return name[0] != '-' && name[^1] != '-';
    }

    private static FormatException NotACursor() => new("not a cursor of this list");
}
