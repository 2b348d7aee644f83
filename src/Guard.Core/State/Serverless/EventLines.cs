namespace Guard.Core.State.Serverless;

/// <summary>An event, or a line of the stream, is longer than Guard is willing to hold.</summary>
internal sealed class EventTooLongException() : IOException("The event is too long.");

/// <summary>
/// Passes an event stream on to the parser and watches its lines for what the parser does not: that no event grows beyond a limit, where
/// it would keep any amount, and whether an event names its type itself, where it would give it the type of an event before that had no
/// data (a bare <c>event: ping</c>). One reader at a time.
/// </summary>
/// <param name="inner">Owned by whoever owns the reply.</param>
/// <param name="maxBytes">Of one event, line ends included. Comment lines, which keep a stream alive without ending an event, count only
/// until their own end.</param>
internal sealed class EventLines(Stream inner, int maxBytes) : Stream
{
    private readonly Queue<bool> _typed = new();
    private readonly byte[] _lineStart = new byte["event".Length + 1];
    private int _eventBytes;
    private int _lineBytes;
    private bool _hasType;
    private bool _hasData;
    private bool _afterReturn;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Whether the next event with data has a type of its own. To be asked once for each event the parser gives, in order.</summary>
    public bool NextIsTyped() => _typed.TryDequeue(out var typed) && typed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        foreach (var b in buffer.Span[..count])
        {
            Watch(b);
        }

        // One read beyond it at most: exact enough for a limit.
        return _eventBytes + _lineBytes <= maxBytes ? count : throw new EventTooLongException();
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Watch(byte b)
    {
        if (b is not ((byte)'\n' or (byte)'\r'))
        {
            if (_lineBytes < _lineStart.Length)
            {
                _lineStart[_lineBytes] = b;
            }

            _lineBytes++;
            return;
        }

        if (_lineBytes > 0)
        {
            EndLine(_lineStart.AsSpan(0, Math.Min(_lineBytes, _lineStart.Length)));
        }
        else if (!_afterReturn || b == '\r')
        {
            // An empty line, and not the \n of a \r\n.
            EndEvent();
        }

        _lineBytes = 0;
        _afterReturn = b == '\r';
    }

    private void EndLine(ReadOnlySpan<byte> start)
    {
        if (start[0] != ':')
        {
            _eventBytes += _lineBytes + 1;
            _hasData |= IsField(start, "data"u8);
            _hasType |= IsField(start, "event"u8);
        }
    }

    private void EndEvent()
    {
        if (_hasData)
        {
            _typed.Enqueue(_hasType);
        }

        _eventBytes = 0;
        _hasData = _hasType = false;
    }

    private static bool IsField(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name)
        => line.StartsWith(name) && (line.Length == name.Length || line[name.Length] == ':');
}
