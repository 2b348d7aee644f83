using System.Text;

namespace Guard.Model.Actors;

/// <summary>Makes what a runner says of a crash fit to be kept, logged and shown: it comes from outside and may be anything.</summary>
internal static class CrashMessage
{
    /// <summary>Most UTF-8 bytes that are kept.</summary>
    public const int MaxBytes = 512;

    /// <summary>
    /// Removes control characters (C0, DEL, C1; also line breaks), replaces lone surrogates by U+FFFD, then cuts to
    /// <see cref="MaxBytes"/> between characters. Null becomes empty. Applying it again changes nothing.
    /// </summary>
    public static string Clean(string? message)
    {
        if (string.IsNullOrEmpty(message))
        {
            return "";
        }

        var result = new StringBuilder(Math.Min(message.Length, MaxBytes));
        var bytes = 0;

        // EnumerateRunes yields U+FFFD for a lone surrogate.
        foreach (var rune in message.EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                continue;
            }

            bytes += rune.Utf8SequenceLength;
            if (bytes > MaxBytes)
            {
                break;
            }

            result.Append(rune);
        }

        return result.ToString();
    }
}
