using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Guard.Model.Text;

/// <summary>Cuts what others said to the length Guard passes on.</summary>
internal static class Utf8Prefix
{
    /// <summary>The longest start of <paramref name="text"/> that is at most <paramref name="maxBytes"/> bytes of UTF-8; the same
    /// instance when all of it fits. A lone surrogate counts as the replacement character it is written as.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Of(string? text, int maxBytes)
    {
        // No char takes more than three bytes: most messages need no counting.
        if (text is null || text.Length <= maxBytes / 3)
        {
            return text;
        }

        var bytes = 0;
        var chars = 0;
        while (chars < text.Length)
        {
            var status = Rune.DecodeFromUtf16(text.AsSpan(chars), out var rune, out var consumed);
            bytes += status == OperationStatus.Done ? rune.Utf8SequenceLength : Rune.ReplacementChar.Utf8SequenceLength;
            if (bytes > maxBytes)
            {
                return text[..chars];
            }

            chars += consumed;
        }

        return text;
    }
}
