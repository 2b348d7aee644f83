using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace Guard.Control.Input;

/// <summary>
/// Looks through JSON before it is read, more strictly than the parser: valid UTF-8, no member twice in an object, no escape that is no
/// character, no NUL. What passes can be read without another check of its texts.
/// </summary>
internal static class JsonText
{
    /// <summary>Most levels of objects and arrays.</summary>
    public const int MaxDepth = 16;

    /// <summary>Whether it is JSON that can be used; says in <paramref name="errors"/> why not.</summary>
    public static bool Check(ReadOnlySpan<byte> json, InputErrors errors)
    {
        if (!Utf8.IsValid(json))
        {
            errors.Add("", "not valid UTF-8");
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            reader.Read();
            if (FindFault(ref reader) is { } fault)
            {
                errors.Add(fault);
                return false;
            }

            // Throws when more follows.
            return !reader.Read();
        }
        catch (JsonException e)
        {
            errors.Add("", e.LineNumber is { } line
                ? string.Create(CultureInfo.InvariantCulture,
                    $"not valid JSON at line {line + 1}, byte {e.BytePositionInLine + 1} (at most {MaxDepth} levels, no comments, no trailing commas)")
                : "not valid JSON");
            return false;
        }
    }

    /// <param name="reader">On the first token of a value, and then on its last one.</param>
    private static Fault? FindFault(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var names = new HashSet<string>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    if (Text(ref reader) is not { } name)
                    {
                        return new Fault("", "a member name here is not valid text: no NUL and no half of a surrogate pair");
                    }

                    reader.Read();
                    if ((names.Add(name) ? FindFault(ref reader) : new Fault("", "given twice; allowed once")) is { } fault)
                    {
                        return fault.In(name);
                    }
                }

                return null;
            case JsonTokenType.StartArray:
                for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
                {
                    if (FindFault(ref reader) is { } fault)
                    {
                        return fault.In(i);
                    }
                }

                return null;
            // Only an escape can stand for what neither UTF-8 nor JSON has.
            case JsonTokenType.String when reader.ValueIsEscaped && Text(ref reader) is null:
                return new Fault("", "not valid text: no NUL and no half of a surrogate pair");
            default:
                return null;
        }
    }

    /// <summary>The text, or null when it holds NUL or escapes that form no character.</summary>
    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            var text = reader.GetString()!;
            return text.Contains('\0', StringComparison.Ordinal) ? null : text;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
