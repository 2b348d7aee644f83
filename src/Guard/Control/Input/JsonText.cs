using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Guard.Control.Input;

/// <summary>
/// Turns bytes into a JSON document, more strictly than the parser alone: valid UTF-8, no member twice in an object, no escape that is
/// no character, no NUL. What passes can be read without another check of its texts.
/// </summary>
internal static class JsonText
{
    private const int MaxDepth = 16;

    /// <summary>The document, or null after saying in <paramref name="errors"/> what is wrong. The caller disposes of it.</summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> json, InputErrors errors)
    {
        if (!Utf8.IsValid(json.Span))
        {
            errors.Add("", "not valid UTF-8");
            return null;
        }

        try
        {
            CheckTexts(json.Span, errors);
            return errors.First is null ? JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth }) : null;
        }
        catch (JsonException e)
        {
            errors.Add("", e.LineNumber is { } line
                ? string.Create(CultureInfo.InvariantCulture,
                    $"not valid JSON at line {line + 1}, byte {e.BytePositionInLine + 1} (at most {MaxDepth} levels, no comments, no trailing commas)")
                : "not valid JSON");
            return null;
        }
    }

    private static void CheckTexts(ReadOnlySpan<byte> json, InputErrors errors)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var open = new Stack<Level>();
        while (errors.First is null && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push(new Level(new HashSet<string>(StringComparer.Ordinal)));
                    break;
                case JsonTokenType.StartArray:
                    open.Push(new Level(null));
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    open.Pop();
                    Advance(open);
                    break;
                case JsonTokenType.PropertyName:
                    var level = open.Peek();
                    if (Text(ref reader) is not { } name)
                    {
                        errors.Add(PathOf(open, inside: 1), "a member name here is not valid text: no NUL and no half of a surrogate pair");
                    }
                    else if (!level.Names!.Add(name))
                    {
                        level.Name = name;
                        errors.Add(PathOf(open, inside: 0), "given twice; allowed once");
                    }
                    else
                    {
                        level.Name = name;
                    }

                    break;
                case JsonTokenType.String:
                    if (Text(ref reader) is null)
                    {
                        errors.Add(PathOf(open, inside: 0), "not valid text: no NUL and no half of a surrogate pair");
                    }

                    Advance(open);
                    break;
                default:
                    Advance(open);
                    break;
            }
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

    private static void Advance(Stack<Level> open)
    {
        if (open.TryPeek(out var level) && level.Names is null)
        {
            level.Index++;
        }
    }

    /// <param name="open">The objects and arrays around the reader.</param>
    /// <param name="inside">How many of the innermost levels to leave out.</param>
    private static string PathOf(Stack<Level> open, int inside)
    {
        var path = new StringBuilder();
        foreach (var level in open.Skip(inside).Reverse())
        {
            if (level.Names is null)
            {
                path.Append(CultureInfo.InvariantCulture, $"[{level.Index}]");
            }
            else
            {
                path.Append(path.Length == 0 ? "" : ".").Append(level.Name);
            }
        }

        return path.ToString();
    }

    /// <param name="names">The members met so far; null for an array.</param>
    private sealed class Level(HashSet<string>? names)
    {
        public HashSet<string>? Names => names;

        public string Name { get; set; } = "";

        public int Index { get; set; }
    }
}
