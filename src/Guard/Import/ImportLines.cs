using System.Buffers;
using System.IO.Pipelines;

namespace Guard.Import;

/// <param name="Number">From 1.</param>
/// <param name="Text">Without its end; empty when it is blank; null when it is longer than <see cref="ImportLines.MaxBytes"/>.</param>
/// <param name="End">Bytes of the input up to and with this line's end.</param>
internal readonly record struct ImportLine(long Number, byte[]? Text, long End);

/// <summary>Reads lines that end in LF or CRLF, or with the input; white space around them is cut. A line that is too long is skipped in
/// bounded memory. Used by one reader.</summary>
/// <param name="input">Where the lines come from.</param>
/// <param name="line">Lines before its beginning.</param>
/// <param name="offset">Bytes before its beginning.</param>
internal sealed class ImportLines(PipeReader input, long line, long offset)
{
    /// <summary>Longest line, in bytes: an actor's input is the only part without a limit of its own.</summary>
    public const int MaxBytes = 1_048_576;

    private static ReadOnlySpan<byte> Bom => [0xEF, 0xBB, 0xBF];

    private bool _isSkipping;

    /// <summary>Bytes of the input that were read.</summary>
    public long Offset => offset;

    /// <summary>The next line; null at the end.</summary>
    public async ValueTask<ImportLine?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var next = buffer.GetPosition(1, end);
                var taken = Take(buffer.Slice(0, end), buffer.Slice(0, next).Length);
                input.AdvanceTo(next);
                return taken;
            }

            if (read.IsCompleted)
            {
                ImportLine? rest = buffer.IsEmpty && !_isSkipping ? null : Take(buffer, buffer.Length);
                input.AdvanceTo(buffer.End);
                return rest;
            }

            if (buffer.Length > MaxBytes)
            {
                // Only its end is looked for from here on.
                _isSkipping = true;
                offset += buffer.Length;
                input.AdvanceTo(buffer.End);
            }
            else
            {
                input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
    }

    private ImportLine Take(ReadOnlySequence<byte> text, long length)
    {
        offset += length;
        line++;
        var isTooLong = _isSkipping || text.Length > MaxBytes;
        _isSkipping = false;
        if (isTooLong)
        {
            return new(line, null, offset);
        }

        var bytes = text.ToArray();
        var kept = bytes.AsSpan();
        if (line == 1 && kept.StartsWith(Bom))
        {
            kept = kept[Bom.Length..];
        }

        kept = kept.Trim(" \t\r"u8);
        return new(line, kept.Length == bytes.Length ? bytes : kept.ToArray(), offset);
    }
}
