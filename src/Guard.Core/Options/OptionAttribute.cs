using System.Globalization;

namespace Guard.Core.Options;

/// <summary>
/// Declares an option, on the property that holds it: how its values are written, which are allowed, and all the reference says of it.
/// The name is the property's, the default is what the property is initialised with. Immutable, thread-safe.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class OptionAttribute : Attribute
{
    /// <summary>What the option does, for people who meet it for the first time.</summary>
    public required string Meaning { get; set; }

    /// <summary>A reload applies it; otherwise a change needs a restart.</summary>
    public bool Reload { get; set; }

    /// <summary>Its value is never printed.</summary>
    public bool Secret { get; set; }

    /// <summary>For people; continues "expected …".</summary>
    /// <param name="type">The property's type.</param>
    public abstract string Allowed(Type type);

    /// <summary>Reads a value; null when it is not written as it should be, or is out of range.</summary>
    /// <param name="text">As configured.</param>
    /// <param name="type">The property's type.</param>
    public abstract object? Parse(string text, Type type);

    /// <summary>A value as it would be written in a configuration file.</summary>
    public abstract string Format(object value);
}

/// <summary>
/// A duration. Only the form with colons is read: the framework takes <c>30</c> for 30 days and <c>24:00:00</c> for 24 days, which
/// nobody means.
/// </summary>
/// <param name="min">The shortest, as it would be configured.</param>
/// <param name="max">The longest, as it would be configured.</param>
internal sealed class DurationAttribute(string min, string max) : OptionAttribute
{
    public override string Allowed(Type type) => $"a duration [d.]hh:mm:ss[.fff] from {min} to {max}";

    public override object? Parse(string text, Type type)
        => TimeSpan.TryParseExact(text.AsSpan().Trim(), "c", CultureInfo.InvariantCulture, out var value)
            && text.Contains(':', StringComparison.Ordinal) && value >= Bound(min) && value <= Bound(max) ? value : null;

    public override string Format(object value)
    {
        var duration = (TimeSpan)value;
        var days = duration.Days == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{duration.Days}.");
        var format = duration.Ticks % TimeSpan.TicksPerSecond == 0 ? @"hh\:mm\:ss" : @"hh\:mm\:ss\.fff";
        return days + duration.ToString(format, CultureInfo.InvariantCulture);
    }

    private static TimeSpan Bound(string text) => TimeSpan.ParseExact(text, "c", CultureInfo.InvariantCulture);
}

/// <summary>A whole number in decimal digits.</summary>
internal sealed class NumberAttribute(long min, long max) : OptionAttribute
{
    public override string Allowed(Type type) => string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");

    public override object? Parse(string text, Type type)
        => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? Convert.ChangeType(value, type, CultureInfo.InvariantCulture)
            : null;

    public override string Format(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;
}

internal sealed class FlagAttribute : OptionAttribute
{
    public override string Allowed(Type type) => "true or false";

    public override object? Parse(string text, Type type) => bool.TryParse(text, out var value) ? value : null;

    public override string Format(object value) => value is true ? "true" : "false";
}

/// <summary>One of the names of an enum, in any case. Its numbers are refused: they would outlive a change of the order.</summary>
internal sealed class ChoiceAttribute : OptionAttribute
{
    public override string Allowed(Type type) => $"one of {string.Join(", ", Enum.GetNames(type))}";

    public override object? Parse(string text, Type type)
        => Array.Find(Enum.GetNames(type), name => text.AsSpan().Trim().Equals(name, StringComparison.OrdinalIgnoreCase)) is { } name
            ? Enum.Parse(type, name)
            : null;

    public override string Format(object value) => value.ToString()!;
}

/// <summary>
/// Text of a given form, or a list of such texts where the property is one. Where the property is initialised with null there may be none:
/// an empty text means that.
/// </summary>
internal sealed class TextAttribute(TextForm form) : OptionAttribute
{
    private readonly (string Allowed, Func<string, bool> IsValid) _form = TextForms.Of(form);

    /// <summary>What the reference says in place of a default that is null.</summary>
    public string Default { get; set; } = OptionKey.None;

    public override string Allowed(Type type) => _form.Allowed;

    public override object? Parse(string text, Type type) => _form.IsValid(text) ? text : null;

    public override string Format(object value) => value as string ?? $"[{string.Join(", ", (string[])value)}]";
}
