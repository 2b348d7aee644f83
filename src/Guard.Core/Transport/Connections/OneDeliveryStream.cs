using System.Runtime.CompilerServices;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// An HTTP/1.1 connection to a runner on which a request is delivered at most once. The HTTP client sends a bodyless request again, by
/// itself, when it reads the end of the stream in place of a reply; here that end is a <see cref="RunnerClosedException"/>, after which
/// it does not. A request written after the end was seen is refused with <see cref="RunnerUnreachableException"/> before any byte of it
/// leaves, so that it can safely go elsewhere. The head of each reply is checked by <see cref="ReplyHead"/> before the client sees it. All
/// else passes through, upgraded connections included.
/// </summary>
/// <remarks>One reader and one writer at a time may use it concurrently, as the client does.</remarks>
internal sealed class OneDeliveryStream(Stream inner) : Stream
{
    /// <summary>A request head was written and no byte has been read since.</summary>
    private const int AwaitsReply = 1;

    /// <summary>The end of the stream was read.</summary>
    private const int Ended = 2;

    private readonly ReplyHead _head = new();
    private int _state;

    /// <summary>A request was sent whose reply's head has not been read to its end. Set by the writer, cleared by the reader.</summary>
    private volatile bool _readsHead;

    /// <summary>The head to come is that of a new reply.</summary>
    private volatile bool _isNewReply;
    private bool _isUpgraded;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(buffer, cancellationToken);
        if (buffer.IsEmpty)
        {
            return read;
        }

        return read.IsCompletedSuccessfully ? new(AfterRead(read.Result, buffer.Span)) : AwaitRead(read, buffer);
    }

    public override int Read(Span<byte> buffer) => buffer.IsEmpty ? inner.Read(buffer) : AfterRead(inner.Read(buffer), buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        BeforeWrite(buffer.Span);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        BeforeWrite(buffer);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// The client writes a head in one piece, so a write that starts with a request line is one. A body that happens to look like one
    /// only makes the end of the stream an error where the client would have found it too early anyway.
    /// </summary>
    internal static bool StartsWithRequestLine(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes[0] is < (byte)'!' or > (byte)'~')
        {
            return false;
        }

        var end = bytes.IndexOf("\r\n"u8);
        return end > 0 && bytes[..end].EndsWith(" HTTP/1.1"u8);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AwaitRead(ValueTask<int> read, Memory<byte> buffer) => AfterRead(await read.ConfigureAwait(false), buffer.Span);

    private int AfterRead(int count, ReadOnlySpan<byte> buffer)
    {
        if (count > 0)
        {
            if ((Volatile.Read(ref _state) & AwaitsReply) != 0)
            {
                Interlocked.And(ref _state, ~AwaitsReply);
            }

            if (_readsHead)
            {
                CheckHead(buffer[..count]);
            }
        }
        else if ((Interlocked.Or(ref _state, Ended) & AwaitsReply) != 0)
        {
            throw new RunnerClosedException();
        }

        return count;
    }

    private void CheckHead(ReadOnlySpan<byte> bytes)
    {
        if (_isNewReply)
        {
            _isNewReply = false;
            _head.Expect();
        }

        if (_head.Read(bytes) is { } problem)
        {
            throw new HttpIOException(HttpRequestError.InvalidResponse, $"The runner's reply is not valid: {problem}.");
        }

        _readsHead = !_head.IsComplete;
        _isUpgraded = _head.IsUpgrade;
    }

    private void BeforeWrite(ReadOnlySpan<byte> bytes)
    {
        if (_isUpgraded || (Volatile.Read(ref _state) & AwaitsReply) != 0 || !StartsWithRequestLine(bytes))
        {
            return;
        }

        if ((Interlocked.Or(ref _state, AwaitsReply) & Ended) != 0)
        {
            throw new RunnerUnreachableException("The runner had closed the idle connection before the request was sent.");
        }

        _isNewReply = true;
        _readsHead = true;
    }
}
