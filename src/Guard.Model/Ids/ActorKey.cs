using System.Buffers;
using System.Globalization;
using System.Text;
using Guard.Model.Text;

namespace Guard.Model.Ids;

/// <summary>
/// An actor's key: a list of parts. Serialised, parts are joined by <c>/</c>, <c>\</c> and <c>/</c> inside a part are escaped with
/// <c>\</c>, an empty part is <c>\0</c> and the empty list is <c>/</c>. Thread-safe.
/// </summary>
internal static class ActorKey
{
    /// <summary>Most UTF-8 bytes of a serialised key.</summary>
    public const int MaxBytes = 1024;

    /// <summary>The serialised empty list.</summary>
    public const string EmptyList = "/";

    public const string Allowed = "allowed are at most 1024 bytes of UTF-8, serialised: parts joined by '/', with '\\' before '\\' and '/' "
        + "inside a part, \\0 for an empty part, '/' for no parts";

    private static readonly SearchValues<char> Plain =
        SearchValues.Create(Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Where(c => c != '%').ToArray());

    /// <summary>Serialises a list of parts. False when the result is longer than <see cref="MaxBytes"/> or a part is not well-formed
    /// UTF-16; <paramref name="key"/> is then empty.</summary>
    public static bool TrySerialize(IReadOnlyList<string> parts, out string key)
    {
        var writer = new ActorKeyWriter(stackalloc char[MaxBytes]);
        key = string.Empty;
        for (var i = 0; i < parts.Count; i++)
        {
            if (!writer.TryBeginPart() || !TryAppend(ref writer, parts[i]) || !writer.TryEndPart())
            {
                return false;
            }
        }

        key = writer.Written.ToString();
        return true;
    }

    /// <summary>Serialises the value of <c>rvt-key</c> as it stands in the query: form-decoded, then split on <c>,</c>. Never
    /// allocates.</summary>
    /// <param name="encoded">The raw value; empty is the empty list.</param>
    /// <param name="destination">At least <see cref="MaxBytes"/> characters.</param>
    /// <param name="key">The serialised key, in <paramref name="destination"/>.</param>
    public static DecodeResult SerializeQueryValue(ReadOnlySpan<char> encoded, Span<char> destination, out ReadOnlySpan<char> key)
    {
        var writer = new ActorKeyWriter(destination);
        key = EmptyList;
        if (encoded.IsEmpty)
        {
            return DecodeResult.Ok;
        }

        var reader = new PercentReader(encoded, plusIsSpace: true);
        var fits = writer.TryBeginPart();
        while (fits && reader.TryRead(out var rune))
        {
            fits = rune.Value == ',' ? writer.TryEndPart() && writer.TryBeginPart() : writer.TryAppend(rune);
        }

        if (reader.IsMalformed)
        {
            return DecodeResult.Malformed;
        }

        if (!fits || !writer.TryEndPart())
        {
            return DecodeResult.TooLong;
        }

        key = writer.Written;
        return DecodeResult.Ok;
    }

    /// <summary>Reads a serialised key back. False unless it is exactly what serialising some list gives, within
    /// <see cref="MaxBytes"/>; <paramref name="parts"/> is then empty.</summary>
    public static bool TryParse(ReadOnlySpan<char> key, out IReadOnlyList<string> parts)
    {
        parts = [];
        if (key is EmptyList)
        {
            return true;
        }

        var list = new List<string>();
        var part = new StringBuilder();
        for (var i = 0; i < key.Length; i++)
        {
            if (key[i] == '/')
            {
                list.Add(part.ToString());
                part.Clear();
            }
            else if (key[i] != '\\')
            {
                part.Append(key[i]);
            }
            else if (++i < key.Length && key[i] is '\\' or '/')
            {
                part.Append(key[i]);
            }
        }

        list.Add(part.ToString());

        // What no list serialises to (unknown or cut escapes, an empty part without its mark, too many bytes, lone surrogates) comes
        // back different.
        if (TrySerialize(list, out var again) && key.SequenceEqual(again))
        {
            parts = list;
            return true;
        }

        return false;
    }

    /// <summary>A key (of an actor, serialised, or of a runner) for a header: UTF-8, percent-encoded outside <c>!</c> to <c>~</c> and for
    /// <c>%</c>; the same instance when nothing needs it.</summary>
    public static string ToHeaderValue(string key)
    {
        if (!key.AsSpan().ContainsAnyExcept(Plain))
        {
            return key;
        }

        var result = new StringBuilder(key.Length);
        foreach (var b in Encoding.UTF8.GetBytes(key))
        {
            if (b is >= (byte)'!' and <= (byte)'~' and not (byte)'%')
            {
                result.Append((char)b);
            }
            else
            {
                result.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return result.ToString();
    }

    private static bool TryAppend(ref ActorKeyWriter writer, ReadOnlySpan<char> part)
    {
        while (!part.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(part, out var rune, out var units) != OperationStatus.Done || !writer.TryAppend(rune))
            {
                return false;
            }

            part = part[units..];
        }

        return true;
    }
}
