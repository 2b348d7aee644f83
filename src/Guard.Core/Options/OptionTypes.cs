using System.Globalization;
using System.Numerics;

namespace Guard.Core.Options;

/// <summary>
/// A duration. Only the form with colons is read: the framework takes <c>30</c> for 30 days and <c>24:00:00</c> for 24 days, which
/// nobody means.
/// </summary>
internal sealed class DurationType(TimeSpan min, TimeSpan max) : OptionType<TimeSpan>
{
    public override string Allowed => $"a duration [d.]hh:mm:ss[.fff] from {Text(min)} to {Text(max)}";

    public override bool TryParse(string text, out TimeSpan value)
        => TimeSpan.TryParseExact(text.AsSpan().Trim(), "c", CultureInfo.InvariantCulture, out value)
            && text.Contains(':', StringComparison.Ordinal) && value >= min && value <= max;

    public override string Format(TimeSpan value) => Text(value);

    private static string Text(TimeSpan value)
    {
        var days = value.Days == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{value.Days}.");
        var format = value.Ticks % TimeSpan.TicksPerSecond == 0 ? @"hh\:mm\:ss" : @"hh\:mm\:ss\.fff";
        return days + value.ToString(format, CultureInfo.InvariantCulture);
    }
}

/// <summary>A whole number in decimal digits.</summary>
internal sealed class NumberType<T>(T min, T max) : OptionType<T>
    where T : IBinaryInteger<T>
{
    public override string Allowed => string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");

    public override bool TryParse(string text, out T value)
        => T.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value!) && value >= min && value <= max;

    public override string Format(T value) => value.ToString(null, CultureInfo.InvariantCulture);
}

internal sealed class FlagType : OptionType<bool>
{
    public override string Allowed => "true or false";

    public override bool TryParse(string text, out bool value) => bool.TryParse(text, out value);

    public override string Format(bool value) => value ? "true" : "false";
}

/// <summary>One of the names of an enum, in any case. Its numbers are refused: they would outlive a change of the order.</summary>
internal sealed class ChoiceType<T> : OptionType<T>
    where T : struct, Enum
{
    private static readonly string[] Names = Enum.GetNames<T>();
    private static readonly T[] Values = Enum.GetValues<T>();

    public override string Allowed { get; } = $"one of {string.Join(", ", Names)}";

    public override bool TryParse(string text, out T value)
    {
        var index = Array.FindIndex(Names, name => name.AsSpan().Equals(text.AsSpan().Trim(), StringComparison.OrdinalIgnoreCase));
        value = index < 0 ? default : Values[index];
        return index >= 0;
    }

    public override string Format(T value) => value.ToString();
}

/// <summary>Text of a given form. An empty value means that there is none, where the key allows none.</summary>
/// <param name="allowed">Continues "expected …".</param>
/// <param name="isValid">Whether a value that is not empty has the form.</param>
/// <param name="isOptional">Whether there may be none.</param>
internal sealed class TextType(string allowed, Func<string, bool> isValid, bool isOptional) : OptionType<string?>
{
    public override string Allowed => isOptional ? $"{allowed}, or nothing" : allowed;

    public override bool TryParse(string text, out string? value)
    {
        value = text.Length == 0 ? null : text;
        return value is null ? isOptional : isValid(value);
    }

    public override string Format(string? value) => value ?? "none";
}
