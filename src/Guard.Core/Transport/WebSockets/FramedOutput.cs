using System.Runtime.CompilerServices;

namespace Guard.Core.Transport.WebSockets;

/// <summary>
/// One direction of a forwarded WebSocket: passes bytes on as they come and knows, between two writes, whether a frame is under way, so
/// that a close frame can be put in. After that nothing more is passed on. One writer at a time; the rest is thread-safe.
/// </summary>
internal sealed class FramedOutput(Stream output)
{
    private readonly Lock _gate = new();
    private FrameTracker _frames;
    private TaskCompletionSource? _senderDone;
    private byte[]? _close;
    private bool _senderEnded;
    private bool _isWriting;
    private bool _isClosed;

    /// <summary>Of what was passed on, which is less than what came once a close frame waits.</summary>
    private bool _isAtBoundary = true;
    private bool _passedClose;

    /// <summary>The receiver was sent a close frame, the sender's or ours, and will hear no more.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _isClosed || _passedClose;
            }
        }
    }

    /// <summary>Ends when the sender's close frame came, or <see cref="SenderEnded"/> was called.</summary>
    public Task SenderDone
    {
        get
        {
            lock (_gate)
            {
                if (_frames.SawClose || _senderEnded)
                {
                    return Task.CompletedTask;
                }

                _senderDone ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                return _senderDone.Task;
            }
        }
    }

    /// <summary>Passes bytes on: all of them; up to the end of the frame under way when a close frame waits for that; none after it.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        TaskCompletionSource? done;
        lock (_gate)
        {
            bytes = bytes[..Follow(bytes.Span)];
            done = _frames.SawClose ? _senderDone : null;
        }

        done?.TrySetResult();
        return bytes.IsEmpty ? default : PassOnAsync(bytes, cancellationToken);
    }

    public Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

    /// <summary>Writes a close frame as soon as no other frame is under way: at once, or after the write that ends it. Without effect where
    /// a close frame was sent before.</summary>
    public async ValueTask CloseAsync(byte[] frame, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_isClosed || _passedClose)
            {
                return;
            }

            _close ??= frame;
            if (_isWriting || !_isAtBoundary)
            {
                return;
            }

            (_isClosed, _isWriting) = (true, true);
        }

        await WriteCloseAsync(frame, cancellationToken);
    }

    /// <summary>The sender's stream is at its end: what it has not sent will not come.</summary>
    public void SenderEnded()
    {
        TaskCompletionSource? done;
        lock (_gate)
        {
            _senderEnded = true;
            done = _senderDone;
        }

        done?.TrySetResult();
    }

    /// <summary>How many of these bytes are passed on.</summary>
    private int Follow(ReadOnlySpan<byte> bytes)
    {
        var passed = bytes.Length;
        if (_isClosed)
        {
            passed = 0;
        }
        else
        {
            if (_close is null)
            {
                _frames.Advance(bytes);
            }
            else
            {
                passed = _frames.AdvanceToBoundary(bytes);
            }

            (_isAtBoundary, _passedClose, _isWriting) = (_frames.IsAtBoundary, _frames.SawClose, passed > 0);
        }

        // What is dropped may hold the sender's close, which somebody waits for.
        _frames.Advance(bytes[passed..]);
        return passed;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PassOnAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await output.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        if (EndWrite() is { } close)
        {
            await WriteCloseAsync(close, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The close frame that waited for the end of this write; null when there is none, or the frame goes on.</summary>
    private byte[]? EndWrite()
    {
        lock (_gate)
        {
            _isWriting = false;
            if (_close is null || !_isAtBoundary || _passedClose)
            {
                return null;
            }

            _isClosed = true;
            return _close;
        }
    }

    private async ValueTask WriteCloseAsync(byte[] frame, CancellationToken cancellationToken)
    {
        await output.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
