using System.Buffers;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// Reads the heads of a runner's replies as they come off an HTTP/1.1 connection, and refuses what two readers could take for different
/// messages. The HTTP client is as lenient as a client may be: it takes bare LF for a line end, both a length and a coding, a length it
/// cannot read for none at all, and 1xx replies without end. Passed on, each of these looks like a whole and clean reply.
/// </summary>
/// <remarks>One connection's; one reader at a time. Allocates only where a line comes in pieces.</remarks>
internal sealed class ReplyHead
{
    /// <summary>Of one reply, 1xx replies before it included; as much as the HTTP client takes of one head.</summary>
    private const int MaxBytes = 64 * 1024;

    /// <summary>Far more 1xx replies than anybody needs before the real one.</summary>
    private const int MaxInformational = 32;

    private static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> Forbidden = SearchValues.Create("\0\r\n"u8);

    private byte[]? _torn;
    private int _tornLength;
    private int _bytes;
    private int _informational;
    private int _status;
    private bool _hasLength;
    private bool _hasCoding;

    /// <summary>The head of the real reply has been read; what follows is its body.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The reply is a 101: the connection is none of HTTP's any more.</summary>
    public bool IsUpgrade => IsComplete && _status == 101;

    /// <summary>A request was sent; its reply comes next.</summary>
    public void Expect()
    {
        (_tornLength, _bytes, _informational) = (0, 0, 0);
        IsComplete = false;
        Begin();
    }

    /// <summary>Reads on. Bytes behind the end of the head are left alone.</summary>
    /// <returns>What is wrong; null while nothing is.</returns>
    public string? Read(ReadOnlySpan<byte> bytes)
    {
        while (!IsComplete && !bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var piece = end < 0 ? bytes : bytes[..(end + 1)];
            _bytes += piece.Length;
            if (_bytes > MaxBytes)
            {
                return "more than 64 KiB of headers";
            }

            bytes = bytes[piece.Length..];
            if (end < 0)
            {
                Keep(piece);
                return null;
            }

            if (_tornLength > 0)
            {
                Keep(piece);
                piece = _torn.AsSpan(0, _tornLength);
                _tornLength = 0;
            }

            if (ReadLine(piece) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private void Begin() => (_status, _hasLength, _hasCoding) = (0, false, false);

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (_torn is null || _torn.Length < _tornLength + piece.Length)
        {
            Array.Resize(ref _torn, Math.Max(256, 2 * (_tornLength + piece.Length)));
        }

        piece.CopyTo(_torn.AsSpan(_tornLength));
        _tornLength += piece.Length;
    }

    private string? ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.Length < 2 || line[^2] != '\r' || line[..^2].ContainsAny(Forbidden))
        {
            return "a line that does not end in CRLF, or holds NUL or CR";
        }

        line = line[..^2];
        return _status == 0 ? ReadStatus(line)
            : line.IsEmpty ? End()
            : ReadField(line);
    }

    private string? ReadStatus(ReadOnlySpan<byte> line)
    {
        var isHttp = (line.StartsWith("HTTP/1.1 "u8) || line.StartsWith("HTTP/1.0 "u8)) && line.Length >= 12 && (line.Length == 12 || line[12] == ' ');
        if (!isHttp || line[9] is < (byte)'1' or > (byte)'9' || !char.IsAsciiDigit((char)line[10]) || !char.IsAsciiDigit((char)line[11]))
        {
            return "no status line";
        }

        _status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + (line[11] - '0');
        return null;
    }

    private string? ReadField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(Token))
        {
            return "a line that is no header";
        }

        var name = line[..colon];
        var value = line[(colon + 1)..].Trim(" \t"u8);
        if (System.Text.Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            if (_hasLength || value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                return "a content-length that is given twice or is not plain digits";
            }

            _hasLength = true;
        }
        else if (System.Text.Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            if (_hasCoding || !System.Text.Ascii.EqualsIgnoreCase(value, "chunked"u8))
            {
                return "a transfer-encoding other than 'chunked'";
            }

            _hasCoding = true;
        }

        return _hasLength && _hasCoding ? "content-length and transfer-encoding together" : null;
    }

    private string? End()
    {
        if (_status is >= 200 or 101)
        {
            IsComplete = true;
            return null;
        }

        Begin();
        return ++_informational > MaxInformational ? "1xx replies without end" : null;
    }
}
