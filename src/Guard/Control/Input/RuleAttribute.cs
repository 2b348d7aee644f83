using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Serialization.Metadata;

namespace Guard.Control.Input;

/// <summary>What a member of a body must be, beyond its type. The reader checks it, and says it too when the type is wrong. Thread-safe.</summary>
/// <param name="allowed">For the detail of an error.</param>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class RuleAttribute(string allowed) : Attribute
{
    private static readonly ConcurrentDictionary<JsonPropertyInfo, RuleAttribute?> Rules = new();

    public string Allowed => allowed;

    /// <summary>The rule on a property; null when its type is all that it must be.</summary>
    public static RuleAttribute? Of(JsonPropertyInfo property) => Rules.GetOrAdd(
        property, static p => p.AttributeProvider?.GetCustomAttributes(typeof(RuleAttribute), inherit: true) is [RuleAttribute rule, ..] ? rule : null);

    /// <summary>Null when the value follows the rule. Never throws.</summary>
    public virtual Fault? Check(object value) => Accepts(value) ? null : new Fault("", Allowed);

    protected virtual bool Accepts(object value) => true;
}

/// <summary>A number of a range, its ends included.</summary>
internal sealed class WholeAttribute(long min, long max)
    : RuleAttribute(string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min} to {max}"))
{
    public long Min => min;

    public long Max => max;

    protected override bool Accepts(object value)
        => Convert.ToInt64(value, CultureInfo.InvariantCulture) is var number && number >= min && number <= max;
}

/// <summary>One of some words.</summary>
internal sealed class OneOfAttribute(params string[] words) : RuleAttribute($"must be one of {string.Join(", ", words)}")
{
    public IReadOnlyList<string> Words => words;

    protected override bool Accepts(object value) => words.Contains((string)value);
}

/// <summary>An array that is not too long.</summary>
internal sealed class AtMostAttribute(int count)
    : RuleAttribute(string.Create(CultureInfo.InvariantCulture, $"must be an array of at most {count} objects"))
{
    public int Count => count;

    protected override bool Accepts(object value) => ((ICollection)value).Count <= count;
}

internal abstract class TextAttribute(TextRule rule) : RuleAttribute(rule.Allowed)
{
    protected override bool Accepts(object value) => rule.Accepts((string)value);
}

internal sealed class LabelAttribute() : TextAttribute(TextRule.Label);

internal sealed class ActorNameAttribute() : TextAttribute(TextRule.ActorName);

internal sealed class KeyAttribute() : TextAttribute(TextRule.Key);

internal sealed class RunnerKeyAttribute() : TextAttribute(TextRule.RunnerKey);

internal sealed class ActorIdAttribute() : TextAttribute(TextRule.ActorIdText);

internal sealed class UrlAttribute() : TextAttribute(TextRule.Url);

internal sealed class Base64Attribute() : TextAttribute(TextRule.Base64);

internal sealed class WordAttribute() : TextAttribute(TextRule.Word);
