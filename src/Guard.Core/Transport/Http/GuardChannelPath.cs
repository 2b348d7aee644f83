using Guard.Model.Text;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Whether a path could reach Guard's channel on a runner, <c>/.guard</c>, which is never a client's. Runners decode and normalise
/// paths differently, so the question is asked of the path as the most forgiving of them would read it: decoded twice, <c>\</c> read
/// as <c>/</c>, <c>;…</c> cut from each segment, slashes collapsed, dots resolved, case ignored. Never allocates; thread-safe.
/// </summary>
internal static class GuardChannelPath
{
    private const string Reserved = ".guard";

    /// <param name="path">The path that is forwarded, without the query.</param>
    public static bool IsReserved(ReadOnlySpan<char> path)
        => (path.Contains('%') || path.Contains(Reserved, StringComparison.OrdinalIgnoreCase)) && Read(path, out _);

    /// <summary>Whether the path, read in the same way, goes above its own root: harmless, unless something stands before it.</summary>
    /// <param name="path">The path that is forwarded, without the query.</param>
    public static bool ClimbsOut(ReadOnlySpan<char> path)
    {
        if (!path.Contains('%') && !path.Contains("..", StringComparison.Ordinal))
        {
            return false;
        }

        Read(path, out var climbsOut);
        return climbsOut;
    }

    // Resolving dots needs no list of segments: only the first one that is left decides, so its answer and the depth are enough.
    private static bool Read(ReadOnlySpan<char> path, out bool climbsOut)
    {
        climbsOut = false;
        var reader = new TwiceDecodedReader(path);
        Span<char> head = stackalloc char[Reserved.Length];
        var length = 0;
        var isCut = false;
        var depth = 0;
        var isReserved = false;
        while (true)
        {
            var value = reader.Read();
            if (value is '/' or '\\' or TwiceDecodedReader.End)
            {
                if (length == 2 && head[..2] is "..")
                {
                    climbsOut |= depth == 0;
                    depth = Math.Max(0, depth - 1);
                }
                else if (length > 1 || (length == 1 && head[0] != '.'))
                {
                    isReserved = depth == 0
                        ? length >= Reserved.Length && head.Equals(Reserved, StringComparison.OrdinalIgnoreCase)
                        : isReserved;
                    depth++;
                }

                if (value == TwiceDecodedReader.End)
                {
                    return depth > 0 && isReserved;
                }

                length = 0;
                isCut = false;
                continue;
            }

            isCut |= value == ';';
            if (!isCut)
            {
                if (length < head.Length)
                {
                    head[length] = (char)value;
                }

                length++;
            }
        }
    }

    /// <summary>Reads the bytes of a percent-encoded text that is decoded twice; what is no escape stands for itself.</summary>
    private ref struct TwiceDecodedReader(ReadOnlySpan<char> text)
    {
        public const int End = -1;

        private readonly ReadOnlySpan<char> _text = text;
        private int _position;

        public int Read()
        {
            var value = ReadOnce();
            if (value != '%')
            {
                return value;
            }

            var next = _position;
            var high = PercentReader.HexValue(ReadOnce());
            var low = PercentReader.HexValue(ReadOnce());
            if (high >= 0 && low >= 0)
            {
                return (high << 4) | low;
            }

            _position = next;
            return '%';
        }

        private int ReadOnce()
        {
            if (_position >= _text.Length)
            {
                return End;
            }

            var value = PercentReader.ByteAt(_text, _position);
            _position += value < 0 ? 1 : 3;
            return value < 0 ? _text[_position - 1] : value;
        }
    }
}
