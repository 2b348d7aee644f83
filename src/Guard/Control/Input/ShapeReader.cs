using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Guard.Core.Pools;

namespace Guard.Control.Input;

/// <summary>
/// Reads JSON into a shape. The serializer refuses what does not fit (its strict mode: unknown members, missing ones, other types), the
/// rules on the shape's properties refuse the rest, and what is refused is named by its path with what is allowed there. Thread-safe.
/// </summary>
internal static class ShapeReader
{
    private const string MustBeObject = "must be an object";

    /// <summary>The value, whose members follow their rules; null after saying in <paramref name="errors"/> what is wrong.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="type">From <see cref="InputJson"/>.</param>
    /// <param name="errors">Where what is wrong goes.</param>
    public static T? Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, InputErrors errors)
        where T : class
    {
        if (!JsonText.Check(json, errors))
        {
            return null;
        }

        T? value = null;
        Fault? fault;
        try
        {
            value = JsonSerializer.Deserialize(json, type);
            fault = value is null ? new Fault("", AllowedBy(type, null)) : FindBroken(value, type);
        }
        catch (JsonException e)
        {
            // The message is for programmers, and the path ends at the object where a member is missing: the shape says both.
            fault = e is VariantException variant ? new Fault($".{variant.Member}", variant.Rule)
                : FindMisfit(JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = JsonText.MaxDepth }), type, null)
                ?? new Fault("", AllowedBy(type, null));
        }

        if (fault is { } found)
        {
            errors.Add(found);
            return null;
        }

        return value;
    }

    /// <summary>The first member that does not follow its rule.</summary>
    private static Fault? FindBroken(object value, JsonTypeInfo type)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                foreach (var property in type.Properties)
                {
                    if (property.Get!(value) is { } member
                        && (RuleAttribute.Of(property)?.Check(member) ?? FindBroken(member, TypeOf(property.PropertyType, type))) is { } fault)
                    {
                        return fault.In(property.Name);
                    }
                }

                return null;
            case JsonTypeInfoKind.Dictionary when type.ElementType != typeof(string):
                foreach (DictionaryEntry entry in (IDictionary)value)
                {
                    if (FindBrokenItem(entry.Value, type) is { } fault)
                    {
                        return fault.In((string)entry.Key);
                    }
                }

                return null;
            case JsonTypeInfoKind.Enumerable:
                var index = 0;
                foreach (var item in (IEnumerable)value)
                {
                    if (FindBrokenItem(item, type) is { } fault)
                    {
                        return fault.In(index);
                    }

                    index++;
                }

                return null;
            default:
                return null;
        }
    }

    /// <summary>The serializer lets null pass as an item.</summary>
    private static Fault? FindBrokenItem(object? item, JsonTypeInfo type)
        => item is null ? new Fault("", MustBeObject) : FindBroken(item, TypeOf(type.ElementType!, type));

    /// <summary>Where the serializer saw that the value does not fit.</summary>
    /// <param name="value">What it read.</param>
    /// <param name="type">What it was to be.</param>
    /// <param name="rule">On the property that it is the value of, or an item of.</param>
    private static Fault? FindMisfit(JsonElement value, JsonTypeInfo type, RuleAttribute? rule)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary when value.ValueKind != JsonValueKind.Object:
                return new Fault("", MustBeObject);
            case JsonTypeInfoKind.Object:
                return value.EnumerateObject().Select(member => FindMisfit(member, type)).FirstOrDefault(f => f is not null)
                    ?? type.Properties.Where(p => p.IsRequired && !HasValue(value, p.Name))
                        .Select(p => (Fault?)new Fault("", $"missing; {AllowedBy(TypeOf(p.PropertyType, type), RuleAttribute.Of(p))}").In(p.Name)).FirstOrDefault();
            case JsonTypeInfoKind.Dictionary:
                return value.EnumerateObject().Select(member => FindMisfit(member.Value, TypeOf(type.ElementType!, type), rule)?.In(member.Name))
                    .FirstOrDefault(f => f is not null);
            case JsonTypeInfoKind.Enumerable when value.ValueKind == JsonValueKind.Array:
                return value.EnumerateArray().Select((item, i) => FindMisfit(item, TypeOf(type.ElementType!, type), null)?.In(i))
                    .FirstOrDefault(f => f is not null);
            default:
                return Fits(value, type) ? null : new Fault("", AllowedBy(type, rule));
        }
    }

    private static Fault? FindMisfit(JsonProperty member, JsonTypeInfo type)
    {
        if (type.Properties.FirstOrDefault(p => p.Name == member.Name) is not { } property)
        {
            return new Fault("", type.Properties.Count == 0
                ? "unknown field; none is allowed here"
                : $"unknown field; allowed are {string.Join(", ", type.Properties.Select(p => p.Name))}").In(member.Name);
        }

        return member.Value.ValueKind == JsonValueKind.Null
            ? null
            : FindMisfit(member.Value, TypeOf(property.PropertyType, type), RuleAttribute.Of(property))?.In(property.Name);
    }

    private static bool HasValue(JsonElement value, string member)
        => value.TryGetProperty(member, out var found) && found.ValueKind != JsonValueKind.Null;

    private static bool Fits(JsonElement value, JsonTypeInfo type) => Type.GetTypeCode(Nullable.GetUnderlyingType(type.Type) ?? type.Type) switch
    {
        TypeCode.String => value.ValueKind == JsonValueKind.String,
        TypeCode.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        TypeCode.Int32 => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
        TypeCode.Int64 => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => type.Kind != JsonTypeInfoKind.Enumerable,
    };

    private static string AllowedBy(JsonTypeInfo type, RuleAttribute? rule) => rule?.Allowed ?? type.Kind switch
    {
        JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => MustBeObject,
        JsonTypeInfoKind.Enumerable => "must be an array of objects",
        _ when type.Type == typeof(PoolError) => $"must be a {ControlOpenApi.PoolErrorForms}",
        _ => (Nullable.GetUnderlyingType(type.Type) ?? type.Type) == typeof(bool) ? "must be true or false" : "must be a text",
    };

    private static JsonTypeInfo TypeOf(Type type, JsonTypeInfo around) => around.Options.GetTypeInfo(type);
}
