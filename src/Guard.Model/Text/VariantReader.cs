using System.Text.Json;

namespace Guard.Model.Text;

/// <summary>
/// The strict steps of reading a value that is either a plain string or <c>{"kind":{members}}</c>, as pool and actor errors are. Every
/// failure is a <see cref="JsonException"/> that names the field. Positions follow converters: the reader stands on the first token of a
/// value before a step and on its last one after it.
/// </summary>
internal static class VariantReader
{
    private const int ShownLength = 64;

    /// <summary>Reads <c>{"kind":</c> and gives the kind.</summary>
    public static string Enter(ref Utf8JsonReader reader, string what)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"{what}: must be a string or an object with one member");
        }

        reader.Read();
        if (reader.TokenType != JsonTokenType.PropertyName)
        {
            throw new JsonException($"{what}: must have one member, the kind of error");
        }

        var kind = Text(ref reader, what);
        reader.Read();
        return kind;
    }

    /// <summary>Refuses a known kind whose value has no members.</summary>
    public static void Open(ref Utf8JsonReader reader, string kind)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new VariantException(kind, "must be an object");
        }
    }

    /// <summary>Reads the <c>}</c> of the outer object.</summary>
    public static void Leave(ref Utf8JsonReader reader, string what)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.EndObject)
        {
            throw new JsonException($"{what}: must have only one member, the kind of error");
        }
    }

    /// <summary>Steps to the next member's value; false at the end of the object.</summary>
    public static bool NextMember(ref Utf8JsonReader reader, string kind, out string member)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            member = "";
            return false;
        }

        member = Text(ref reader, kind);
        reader.Read();
        return true;
    }

    /// <summary>Reads an object whose one member is a string.</summary>
    public static string OnlyText(ref Utf8JsonReader reader, string kind, string only)
    {
        Open(ref reader, kind);
        string? text = null;
        while (NextMember(ref reader, kind, out var member))
        {
            var field = $"{kind}.{member}";
            text = member == only && text is null ? Text(ref reader, field) : throw Unexpected(field, member == only);
        }

        return text ?? throw Missing($"{kind}.{only}");
    }

    public static string Text(ref Utf8JsonReader reader, string field)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
        {
            throw new VariantException(field, "must be a string");
        }

        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Invalid UTF-8 or half of a surrogate pair.
            throw new VariantException(field, "is not valid Unicode", e);
        }
    }

    public static int Number(ref Utf8JsonReader reader, string field, int min, int max)
        => reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var value) && value >= min && value <= max
            ? value
            : throw new VariantException(field, $"must be a whole number from {min} to {max}");

    public static VariantException Missing(string field) => new(field, "is missing");

    public static VariantException Unexpected(string field, bool known) => new(field, known ? "is given twice" : "is not a known field");

    /// <summary>What the caller sent, short enough for an error message.</summary>
    public static string Shorten(string text) => text.Length <= ShownLength ? text : $"{Utf8Prefix.Of(text, ShownLength)}…";
}
