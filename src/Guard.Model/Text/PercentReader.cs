using System.Buffers;
using System.Text;

namespace Guard.Model.Text;

/// <summary>
/// Reads percent-encoded UTF-8 one scalar value at a time, without allocating. Ends early, with <see cref="IsMalformed"/> set, at a
/// <c>%</c> without two hex digits, at bytes that are not UTF-8, and at characters outside ASCII.
/// </summary>
internal ref struct PercentReader
{
    private readonly ReadOnlySpan<char> _text;
    private readonly bool _plusIsSpace;
    private int _position;

    /// <param name="text">The encoded text.</param>
    /// <param name="plusIsSpace">The rule of form encoding, for query values.</param>
    public PercentReader(ReadOnlySpan<char> text, bool plusIsSpace)
    {
        _text = text;
        _plusIsSpace = plusIsSpace;
    }

    public bool IsMalformed { get; private set; }

    /// <summary>The byte an escape at <paramref name="position"/> stands for; -1 when there is no whole escape.</summary>
    public static int ByteAt(ReadOnlySpan<char> text, int position)
        => position + 2 < text.Length && text[position] == '%'
            && HexValue(text[position + 1]) is var high and >= 0
            && HexValue(text[position + 2]) is var low and >= 0
            ? (high << 4) | low
            : -1;

    /// <summary>0 to 15, or -1 for anything that is not a hex digit.</summary>
    public static int HexValue(int c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => -1,
    };

    /// <summary>False at the end of the text, or where it stops being valid.</summary>
    public bool TryRead(out Rune rune)
    {
        rune = default;
        if (_position >= _text.Length)
        {
            return false;
        }

        var c = _text[_position];
        if (c == '%')
        {
            return TryReadEscapes(out rune);
        }

        if (!char.IsAscii(c))
        {
            IsMalformed = true;
            return false;
        }

        _position++;
        rune = new Rune(c == '+' && _plusIsSpace ? ' ' : c);
        return true;
    }

    private bool TryReadEscapes(out Rune rune)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (var length = 1; length <= utf8.Length; length++)
        {
            var value = ByteAt(_text, _position + (3 * (length - 1)));
            if (value < 0)
            {
                break;
            }

            utf8[length - 1] = (byte)value;
            var status = Rune.DecodeFromUtf8(utf8[..length], out rune, out _);
            if (status == OperationStatus.Done)
            {
                _position += 3 * length;
                return true;
            }

            if (status == OperationStatus.InvalidData)
            {
                break;
            }
        }

        rune = default;
        IsMalformed = true;
        return false;
    }
}
