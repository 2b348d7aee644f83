using System.Buffers;
using Guard.Core.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Transport;

/// <summary>
/// A request body that can be sent again when its content-length is at most <c>Forwarding:ReplayBufferBytes</c>: what is read is kept as
/// it streams through, and after <see cref="Rewind"/> comes again before the rest. Longer bodies pass through without being kept. Also
/// holds <c>Limits:MaxRequestBodyBytes</c>, and remembers how reading from the client failed.
/// </summary>
/// <remarks>Used by one try at a time; dispose it when the request is over, to return the buffer.</remarks>
internal sealed class ReplayableBody : Stream
{
    private readonly Stream _client;
    private readonly long _limit;
    private readonly int _keep;
    private byte[]? _kept;
    private int _keptLength;
    private int _position;
    private long _received;
    private Task<int>? _reading;
    private bool _isSpent;

    /// <param name="client">The body as the server gives it.</param>
    /// <param name="contentLength">Null when the client did not say.</param>
    /// <param name="replayBufferBytes">Longest body that is kept.</param>
    /// <param name="limit">Most bytes the client may send.</param>
    public ReplayableBody(Stream client, long? contentLength, int replayBufferBytes, long limit)
    {
        _client = client;
        _limit = limit;
        _keep = contentLength is { } length && length <= replayBufferBytes ? (int)length : -1;
    }

    /// <summary>True while the whole body can be sent (again): it is short enough to be kept, or none of it has been read.</summary>
    public bool CanReplay => _keep >= 0 || !_isSpent;

    /// <summary>Why the client's side of the body failed; null while it has not. A cancelled read is no failure.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Where the body is being copied to, flushed whenever the client pauses; null while it is not.</summary>
    public Stream? Sink { get; set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The body of a request; null when it has none (such requests are always replayable).</summary>
    public static ReplayableBody? For(HttpContext context, GuardOptions options)
        => CanHaveBody(context.Request) && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } && UpgradeRules.Of(context) == UpgradeKind.None
            ? new(context.Request.Body, context.Request.ContentLength, options.Forwarding.ReplayBufferBytes, options.Limits.MaxRequestBodyBytes)
            : null;

    /// <summary>The cheap half of the answer: an HTTP/1.1 request announces its body.</summary>
    private static bool CanHaveBody(HttpRequest request)
        => !HttpProtocol.IsHttp11(request.Protocol) || request.Headers.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0;

    /// <summary>Starts over for the next try. The one before must have ended.</summary>
    /// <exception cref="InvalidOperationException">It cannot be replayed.</exception>
    public void Rewind()
    {
        if (!CanReplay)
        {
            throw new InvalidOperationException("The request body was not kept.");
        }

        _position = 0;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_keep < 0)
        {
            return await ReadThroughAsync(buffer, cancellationToken);
        }

        if (_position == _keptLength && _received < _keep)
        {
            await KeepMoreAsync(cancellationToken);
        }

        var count = Math.Min(buffer.Length, _keptLength - _position);
        _kept.AsSpan(_position, count).CopyTo(buffer.Span);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The body is read asynchronously.");

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // The client's stream belongs to the server. A buffer that a read may still fill cannot be given to others.
        if (disposing && _reading is null && Interlocked.Exchange(ref _kept, null) is { } kept)
        {
            _keptLength = _position = 0;
            ArrayPool<byte>.Shared.Return(kept);
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadThroughAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            var reading = _client.ReadAsync(buffer, cancellationToken);
            if (!reading.IsCompleted)
            {
                await FlushSinkAsync(cancellationToken);
            }

            var count = await reading;
            _isSpent |= count > 0;
            Received(count);
            return count;
        }
        catch (OperationCanceledException)
        {
            // The server does not promise that a body can be read on after that.
            _isSpent = true;
            throw;
        }
        catch (Exception e)
        {
            Failure ??= e;
            throw;
        }
    }

    /// <summary>
    /// Reads from the client into the buffer. A try that is cancelled leaves the read to the next one, because the server's bodies do not
    /// survive a cancelled read.
    /// </summary>
    private async Task KeepMoreAsync(CancellationToken cancellationToken)
    {
        _kept ??= ArrayPool<byte>.Shared.Rent(Math.Max(_keep, 1));
        _reading ??= _client.ReadAsync(_kept.AsMemory(_keptLength, _keep - _keptLength), CancellationToken.None).AsTask();
        if (!_reading.IsCompleted)
        {
            await FlushSinkAsync(cancellationToken);
        }

        try
        {
            var count = await _reading.WaitAsync(cancellationToken);
            _reading = null;
            Received(count);
            _keptLength += count;
        }
        catch (Exception e) when (_reading is null or { IsFaulted: true } or { IsCanceled: true })
        {
            Failure ??= e;
            throw;
        }
    }

    private async ValueTask FlushSinkAsync(CancellationToken cancellationToken)
    {
        if (Sink is { } sink)
        {
            try
            {
                await sink.FlushAsync(cancellationToken);
            }
            catch (Exception)
            {
                // A broken connection to the runner shows in the next write to it; here it would look like the client's fault.
            }
        }
    }

    private void Received(int count)
    {
        _received += count;
        if (_received > _limit)
        {
            // The server has the same limit; it lifts it for what looks like gRPC.
            throw new BadHttpRequestException("Request body too large.", StatusCodes.Status413PayloadTooLarge);
        }
    }
}
