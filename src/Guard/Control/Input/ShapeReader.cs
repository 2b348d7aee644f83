using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Guard.Model.Pools;
using Guard.Model.Text;

namespace Guard.Control.Input;

/// <summary>
/// Reads JSON into a shape. The serializer's strict mode refuses what is not of the shape, in words for programmers and without the name
/// of what is missing; so the shape is held against the JSON first, with the rules on its properties, and what is wrong is named by its
/// path with what is allowed there. Thread-safe.
/// </summary>
internal static class ShapeReader
{
    /// <summary>What a pool error may be, after "a".</summary>
    public const string PoolErrorForms =
        "text, serverless_stream_ended_early, downgrade or internal_error, or an object with one member: serverless_http_error {status_code, body}, "
        + "serverless_connection_error {message} or serverless_invalid_sse_payload {message, raw_payload?}";

    private const string MustBeObject = "must be an object";

    private static readonly ConcurrentDictionary<JsonTypeInfo, Member[]> Members = new();

    /// <inheritdoc cref="Read{T}(JsonElement, JsonTypeInfo{T}, InputErrors)"/>
    public static T? Read<T>(ReadOnlyMemory<byte> json, JsonTypeInfo<T> type, InputErrors errors)
        where T : class
    {
        if (!JsonText.Check(json.Span, errors))
        {
            return null;
        }

        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonText.MaxDepth });
        return Read(document.RootElement, type, errors);
    }

    /// <summary>The value, whose members follow their rules; null after saying in <paramref name="errors"/> what is wrong.</summary>
    /// <param name="json">What <see cref="JsonText"/> let pass.</param>
    /// <param name="type">Strict.</param>
    /// <param name="errors">Where what is wrong goes.</param>
    public static T? Read<T>(JsonElement json, JsonTypeInfo<T> type, InputErrors errors)
        where T : class
    {
        if (FindFault(json, type, null) is { } fault)
        {
            errors.Add(fault);
            return null;
        }

        try
        {
            return json.Deserialize(type);
        }
        catch (JsonException e)
        {
            errors.Add(e is VariantException wrong ? new Fault($".{wrong.Member}", wrong.Rule) : new Fault("", Allowed(type, null)));
            return null;
        }
    }

    /// <param name="value">What is there.</param>
    /// <param name="type">What it must be.</param>
    /// <param name="rule">On the property that it is the value of.</param>
    private static Fault? FindFault(JsonElement value, JsonTypeInfo type, RuleAttribute? rule)
    {
        if (rule?.Check(value) is { } broken)
        {
            return broken;
        }

        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when value.ValueKind == JsonValueKind.Object:
                return FindFault(value, Members.GetOrAdd(type, static t => [.. t.Properties.Select(p => new Member(p))]));
            case JsonTypeInfoKind.Dictionary when value.ValueKind == JsonValueKind.Object:
                return rule is null
                    ? value.EnumerateObject().Select(m => FindFault(m.Value, ItemOf(type), null)?.In(m.Name)).FirstOrDefault(f => f is not null)
                    : null;
            case JsonTypeInfoKind.Enumerable when value.ValueKind == JsonValueKind.Array:
                return value.EnumerateArray().Select((item, i) => FindFault(item, ItemOf(type), null)?.In(i)).FirstOrDefault(f => f is not null);
            case JsonTypeInfoKind.None when rule is not null || IsOf(value, type.Type):
                return null;
            default:
                return new Fault("", Allowed(type, rule));
        }
    }

    private static Fault? FindFault(JsonElement value, Member[] members)
    {
        foreach (var given in value.EnumerateObject())
        {
            var fault = Array.Find(members, m => given.NameEquals(m.Name)) is { } member
                ? given.Value.ValueKind == JsonValueKind.Null ? null : FindFault(given.Value, member.Type, member.Rule)
                : new Fault("", members.Length == 0
                    ? "unknown field; none is allowed here"
                    : $"unknown field; allowed are {string.Join(", ", members.Select(m => m.Name))}");
            if (fault is not null)
            {
                return fault.Value.In(given.Name);
            }
        }

        return Array.Find(members, m => m.IsRequired && !(value.TryGetProperty(m.Name, out var given) && given.ValueKind != JsonValueKind.Null)) is { } missing
            ? new Fault("", $"missing; {Allowed(missing.Type, missing.Rule)}").In(missing.Name)
            : null;
    }

    /// <summary>Types that converters read are their converters' business.</summary>
    private static bool IsOf(JsonElement value, Type type)
        => type == typeof(string) ? value.ValueKind == JsonValueKind.String
            : type == typeof(bool?) ? value.ValueKind is JsonValueKind.True or JsonValueKind.False
            : value.ValueKind != JsonValueKind.Null;

    private static string Allowed(JsonTypeInfo type, RuleAttribute? rule) => rule?.Allowed ?? type.Kind switch
    {
        JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => MustBeObject,
        JsonTypeInfoKind.Enumerable => "must be an array of objects",
        _ when type.Type == typeof(PoolError) => $"must be a {PoolErrorForms}",
        _ => type.Type == typeof(bool?) ? "must be true or false" : "must be a text",
    };

    private static JsonTypeInfo ItemOf(JsonTypeInfo type) => type.Options.GetTypeInfo(type.ElementType!);

    private sealed class Member(JsonPropertyInfo property)
    {
        public string Name => property.Name;

        public bool IsRequired => property.IsRequired;

        public JsonTypeInfo Type { get; } = property.Options.GetTypeInfo(property.PropertyType);

        public RuleAttribute? Rule { get; } = RuleAttribute.Of(property);
    }
}
