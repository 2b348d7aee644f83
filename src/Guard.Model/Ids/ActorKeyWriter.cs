using System.Text;

namespace Guard.Model.Ids;

/// <summary>Writes a serialised key part by part into a caller's memory; the escapes are those of <see cref="ActorKey"/>.</summary>
internal ref struct ActorKeyWriter
{
    private readonly Span<char> _destination;
    private int _length;
    private int _bytes;
    private int _partStart;

    /// <param name="destination"><see cref="ActorKey.MaxBytes"/> characters are always enough: no character takes less than a byte.</param>
    public ActorKeyWriter(Span<char> destination) => _destination = destination;

    /// <summary>What was written; the empty list when no part was begun.</summary>
    public readonly ReadOnlySpan<char> Written => _length == 0 ? ActorKey.EmptyList : _destination[.._length];

    /// <summary>Begins the next part. False when the key gets too long.</summary>
    public bool TryBeginPart()
    {
        if (_length > 0 && !TryWrite(new Rune('/')))
        {
            return false;
        }

        _partStart = _length;
        return true;
    }

    /// <summary>Adds a character to the part that was begun. False when the key gets too long.</summary>
    public bool TryAppend(Rune rune)
        => (rune.Value is not ('/' or '\\') || TryWrite(new Rune('\\'))) && TryWrite(rune);

    /// <summary>Ends the part. False when the key gets too long.</summary>
    public bool TryEndPart()
        => _length > _partStart || (TryWrite(new Rune('\\')) && TryWrite(new Rune('0')));

    private bool TryWrite(Rune rune)
    {
        if (_bytes + rune.Utf8SequenceLength > ActorKey.MaxBytes || !rune.TryEncodeToUtf16(_destination[_length..], out var units))
        {
            return false;
        }

        _bytes += rune.Utf8SequenceLength;
        _length += units;
        return true;
    }
}
