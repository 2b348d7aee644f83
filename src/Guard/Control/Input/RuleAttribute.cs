using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.OpenApi;

namespace Guard.Control.Input;

/// <summary>What a member of a body must be, null and absence apart. Thread-safe.</summary>
/// <param name="allowed">For the detail of an error.</param>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class RuleAttribute(string allowed) : Attribute
{
    public string Allowed => allowed;

    /// <summary>The rule on a property; null when its type is all that it must be.</summary>
    public static RuleAttribute? Of(JsonPropertyInfo property)
        => property.AttributeProvider?.GetCustomAttributes(typeof(RuleAttribute), inherit: true) is [RuleAttribute rule, ..] ? rule : null;

    /// <summary>Null when the value follows the rule. Never throws.</summary>
    public virtual Fault? Check(JsonElement value) => Accepts(value) ? null : new Fault("", Allowed);

    /// <summary>Adds to the OpenAPI document what it has words for.</summary>
    public virtual void Describe(OpenApiSchema schema)
    {
    }

    protected virtual bool Accepts(JsonElement value) => true;
}

/// <summary>A number of a range, its ends included.</summary>
internal sealed class WholeAttribute(long min, long max)
    : RuleAttribute(string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min} to {max}"))
{
    public long Min => min;

    public long Max => max;

    public override void Describe(OpenApiSchema schema)
    {
        schema.Minimum = min.ToString(CultureInfo.InvariantCulture);
        schema.Maximum = max.ToString(CultureInfo.InvariantCulture);
    }

    protected override bool Accepts(JsonElement value)
        => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max;
}

/// <summary>An array that is not too long.</summary>
internal sealed class AtMostAttribute(int count)
    : RuleAttribute(string.Create(CultureInfo.InvariantCulture, $"must be an array of at most {count} objects"))
{
    protected override bool Accepts(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= count;
}

internal abstract class TextAttribute(TextRule rule) : RuleAttribute(rule.Allowed)
{
    protected override bool Accepts(JsonElement value) => value.ValueKind == JsonValueKind.String && rule.Accepts(value.GetString()!);
}

internal sealed class OneOfAttribute(params string[] words) : TextAttribute(new(words.Contains, $"must be one of {string.Join(", ", words)}"))
{
    public override void Describe(OpenApiSchema schema)
        => schema.Enum = [.. words.Select(word => (JsonNode)word), .. schema.Type?.HasFlag(JsonSchemaType.Null) is true ? [JsonNullSentinel.JsonNull] : Array.Empty<JsonNode>()];
}

internal sealed class LabelAttribute() : TextAttribute(TextRule.Label);

internal sealed class ActorNameAttribute() : TextAttribute(TextRule.ActorName);

internal sealed class KeyAttribute() : TextAttribute(TextRule.Key);

internal sealed class RunnerKeyAttribute() : TextAttribute(TextRule.RunnerKey);

internal sealed class ActorIdAttribute() : TextAttribute(TextRule.ActorIdText);

internal sealed class UrlAttribute() : TextAttribute(TextRule.Url);

internal sealed class Base64Attribute() : TextAttribute(TextRule.Base64);

internal sealed class WordAttribute() : TextAttribute(TextRule.Word);
