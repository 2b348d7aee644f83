using System.Globalization;
using System.Text.Json;

namespace Guard.Control.Input;

/// <summary>
/// Reads one JSON object field by field and remembers what was asked for: <see cref="End"/> refuses the rest. Null counts as absent.
/// After an error the readers return stand-in values; look at <see cref="InputErrors.First"/> before using any. Expects a document
/// from <see cref="JsonText"/>. Used by one thread.
/// </summary>
internal sealed class JsonFields
{
    private readonly JsonElement _object;
    private readonly InputErrors _errors;
    private readonly List<string> _known = [];

    public JsonFields(JsonElement element, string path, InputErrors errors)
    {
        _object = element;
        _errors = errors;
        Path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            errors.Add(path, "must be an object");
            _object = default;
        }
    }

    /// <summary>Stands in where an object could not be read.</summary>
    private JsonFields(string path, InputErrors errors)
    {
        Path = path;
        _errors = errors;
    }

    /// <summary>From the root, e.g. <c>datacenters.default</c>; empty for the root itself.</summary>
    public string Path { get; }

    public InputErrors Errors => _errors;

    public static JsonFields Missing(InputErrors errors) => new("", errors);

    public bool Has(string name) => Find(name) is not null;

    public string Text(string name, TextRule rule) => OptionalText(name, rule) ?? Absent(name, rule.Allowed, "");

    public string? OptionalText(string name, TextRule rule)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && rule.Accepts(text))
        {
            return text;
        }

        _errors.Add(PathTo(name), rule.Allowed);
        return "";
    }

    /// <summary>As <see cref="OptionalWord"/>, but it must be there.</summary>
    public int Word(string name, params ReadOnlySpan<string> words)
        => OptionalWord(name, words) ?? Absent(name, OneOf(words), 0);

    /// <summary>The place of the text among the given words, the first one's being 0.</summary>
    public int? OptionalWord(string name, params ReadOnlySpan<string> words)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && words.IndexOf(value.GetString()) is >= 0 and var index)
        {
            return index;
        }

        _errors.Add(PathTo(name), OneOf(words));
        return 0;
    }

    public long Integer(string name, long min, long max) => OptionalInteger(name, min, max) ?? Absent(name, Range(min, max), min);

    public int Integer(string name, int min, int max) => (int)Integer(name, (long)min, max);

    public int? OptionalInteger(string name, int min, int max) => (int?)OptionalInteger(name, (long)min, max);

    public long? OptionalInteger(string name, long min, long max)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max)
        {
            return number;
        }

        _errors.Add(PathTo(name), Range(min, max));
        return min;
    }

    public bool? OptionalFlag(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            _errors.Add(PathTo(name), "must be true or false");
        }

        return value.ValueKind == JsonValueKind.True;
    }

    public JsonFields Object(string name)
        => OptionalObject(name) ?? Absent(name, "must be an object", new JsonFields(PathTo(name), _errors));

    public JsonFields? OptionalObject(string name) => Find(name) is { } value ? new JsonFields(value, PathTo(name), _errors) : null;

    /// <summary>The objects of an array; empty when it is not one, or longer than allowed.</summary>
    public IReadOnlyList<JsonFields> Objects(string name, int max)
        => OptionalObjects(name, max) ?? Absent<IReadOnlyList<JsonFields>>(name, "must be an array of objects", []);

    public IReadOnlyList<JsonFields>? OptionalObjects(string name, int max)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > max)
        {
            _errors.Add(PathTo(name), string.Create(CultureInfo.InvariantCulture, $"must be an array of at most {max} objects"));
            return [];
        }

        var items = new List<JsonFields>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            items.Add(new JsonFields(item, string.Create(CultureInfo.InvariantCulture, $"{PathTo(name)}[{items.Count}]"), _errors));
        }

        return items;
    }

    /// <summary>All members, for objects whose names are data. Call instead of <see cref="End"/>.</summary>
    public IEnumerable<JsonProperty> Members()
        => _object.ValueKind == JsonValueKind.Object ? _object.EnumerateObject() : Enumerable.Empty<JsonProperty>();

    /// <summary>The member itself, whatever its kind; null when absent or null.</summary>
    public JsonElement? Find(string name)
    {
        _known.Add(name);
        return _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;
    }

    public string PathTo(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    /// <summary>Refuses every member that was not asked for.</summary>
    public void End()
    {
        foreach (var member in Members())
        {
            if (!_known.Contains(member.Name))
            {
                _errors.Add(
                    PathTo(member.Name),
                    _known.Count == 0 ? "unknown field; none is allowed here" : $"unknown field; allowed are {string.Join(", ", _known.Distinct())}");
                return;
            }
        }
    }

    private static string OneOf(ReadOnlySpan<string> words) => $"must be one of {string.Join(", ", words!)}";

    private static string Range(long min, long max) => string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min} to {max}");

    private T Absent<T>(string name, string allowed, T standIn)
    {
        _errors.Add(PathTo(name), $"missing; {allowed}");
        return standIn;
    }
}
