namespace Guard.Scenarios.Support;

/// <summary>A given number of bytes that repeat with a period no buffer has, so that a lost or doubled piece changes the hash.</summary>
internal sealed class PatternStream(long length) : Stream
{
    private static readonly byte[] Pattern = [.. Enumerable.Range(0, 65_521).Select(i => (byte)(i * 31))];

    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var at = (int)(_position % Pattern.Length);
        var count = (int)Math.Min(Math.Min(buffer.Length, Pattern.Length - at), length - _position);
        Pattern.AsSpan(at, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
