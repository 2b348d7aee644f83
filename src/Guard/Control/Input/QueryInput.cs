using System.Globalization;
using System.Text;

namespace Guard.Control.Input;

/// <summary>The query of a call, read strictly: only parameters the call takes, each once, form-decoded (<c>+</c> is a space), valid UTF-8,
/// no NUL. Used by one thread.</summary>
internal sealed class QueryInput
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly InputErrors _errors;

    /// <param name="raw">As it stands in the request, with or without the leading <c>?</c>.</param>
    /// <param name="allowed">The parameters of the call.</param>
    /// <param name="errors">Where what is wrong goes.</param>
    public QueryInput(string? raw, IReadOnlyCollection<string> allowed, InputErrors errors)
    {
        _errors = errors;
        foreach (var pair in (raw is ['?', .. var rest] ? rest : raw ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(equals < 0 ? pair : pair[..equals]);
            if (name is null || !allowed.Contains(name))
            {
                errors.Add(name ?? "query", allowed.Count == 0
                    ? "unknown query parameter; this call takes none"
                    : $"unknown query parameter; allowed are {string.Join(", ", allowed)}");
            }
            else if (Decode(equals < 0 ? "" : pair[(equals + 1)..]) is not { } value)
            {
                errors.Add(name, "must be percent-encoded UTF-8 without NUL");
            }
            else if (!_values.TryAdd(name, value))
            {
                errors.Add(name, "given twice; allowed once");
            }
        }
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string Text(string name, TextRule rule)
    {
        if (OptionalText(name, rule) is { } value)
        {
            return value;
        }

        _errors.Add(name, $"missing query parameter; {rule.Allowed}");
        return "";
    }

    public string? OptionalText(string name, TextRule rule)
    {
        if (!_values.TryGetValue(name, out var value))
        {
            return null;
        }

        if (!rule.Accepts(value))
        {
            _errors.Add(name, rule.Allowed);
        }

        return value;
    }

    /// <summary>False when absent.</summary>
    public bool Flag(string name)
    {
        var value = _values.GetValueOrDefault(name, "false");
        if (value is not ("true" or "false"))
        {
            _errors.Add(name, "must be true or false");
        }

        return value == "true";
    }

    public int Integer(string name, int min, int max, int fallback)
    {
        if (!_values.TryGetValue(name, out var text))
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        _errors.Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min} to {max}"));
        return fallback;
    }

    /// <summary>Null when it is not percent-encoded UTF-8, or holds NUL.</summary>
    private static string? Decode(string text)
    {
        var bytes = new byte[Strict.GetMaxByteCount(text.Length)];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length
                    || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                {
                    return null;
                }

                bytes[count++] = value;
                i += 2;
            }
            else if (text[i] <= 0x7f)
            {
                bytes[count++] = text[i] == '+' ? (byte)' ' : (byte)text[i];
            }
            else
            {
                return null;
            }
        }

        try
        {
            var decoded = Strict.GetString(bytes, 0, count);
            return decoded.Contains('\0', StringComparison.Ordinal) ? null : decoded;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
