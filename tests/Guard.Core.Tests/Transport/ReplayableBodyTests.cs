using Guard.Core.Transport;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Tests.Transport;

public sealed class ReplayableBodyTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Rewind_WholeBodyRead_ComesAgain(int bufferSize)
    {
        using var body = new ReplayableBody(new ScriptedStream("abc", "defg", "h"), 8, 64, 1000);

        Assert.Equal("abcdefgh", await ReadAsync(body, bufferSize));
        Assert.True(body.CanReplay);
        body.Rewind();
        Assert.Equal("abcdefgh", await ReadAsync(body, bufferSize));
    }

    [Fact]
    public async Task Rewind_PartRead_ReplaysItAndGoesOn()
    {
        var client = new ScriptedStream("abc", "def");
        using var body = new ReplayableBody(client, 6, 64, 1000);
        Assert.Equal(2, await body.ReadAsync(new byte[2], Token));

        body.Rewind();

        Assert.Equal("abcdef", await ReadAsync(body, 4));
        Assert.Equal(6, client.Delivered);
    }

    [Fact]
    public async Task ReadAsync_Cancelled_PendingReadServesTheNextTry()
    {
        var client = new ScriptedStream("abc");
        using var body = new ReplayableBody(client, 6, 64, 1000);
        Assert.Equal(3, await body.ReadAsync(new byte[3], Token));
        using var cancel = new CancellationTokenSource();
        var pending = body.ReadAsync(new byte[3], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(Bound, Token));

        body.Rewind();
        client.Add("def");

        Assert.Equal("abcdef", await ReadAsync(body, 10));
        Assert.Equal(2, client.Reads);
        Assert.Null(body.Failure);
    }

    [Fact]
    public async Task ReadAsync_ZeroBytes_WaitsForDataAndTakesNone()
    {
        var client = new ScriptedStream();
        using var body = new ReplayableBody(client, 3, 64, 1000);
        var waiting = body.ReadAsync(Memory<byte>.Empty, Token).AsTask();
        Assert.False(waiting.IsCompleted);

        client.Add("abc");

        Assert.Equal(0, await waiting.WaitAsync(Bound, Token));
        Assert.Equal("abc", await ReadAsync(body, 10));
    }

    [Theory]
    [InlineData(65L)]
    [InlineData(null)]
    public async Task CanReplay_NotKept_OnlyWhileUnread(long? contentLength)
    {
        using var body = new ReplayableBody(new ScriptedStream("abc", ""), contentLength, 64, 1000);
        Assert.True(body.CanReplay);
        body.Rewind();

        _ = await body.ReadAsync(new byte[1], Token);

        Assert.False(body.CanReplay);
        Assert.Throws<InvalidOperationException>(body.Rewind);
    }

    [Fact]
    public async Task CanReplay_NotKeptAndReadCancelled_False()
    {
        using var body = new ReplayableBody(new ScriptedStream(), null, 64, 1000);
        using var cancel = new CancellationTokenSource();
        var pending = body.ReadAsync(new byte[1], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(Bound, Token));

        Assert.False(body.CanReplay);
        Assert.Null(body.Failure);
    }

    [Theory]
    [InlineData(6L)]
    [InlineData(null)]
    public async Task ReadAsync_ClientFails_FailureIsKept(long? contentLength)
    {
        var client = new ScriptedStream("abc");
        using var body = new ReplayableBody(client, contentLength, 64, 1000);
        _ = await body.ReadAsync(new byte[3], Token);
        client.Fail(new IOException("gone"));

        var thrown = await Assert.ThrowsAsync<IOException>(() => body.ReadAsync(new byte[3], Token).AsTask());

        Assert.Same(thrown, body.Failure);
    }

    [Fact]
    public async Task ReadAsync_OverLimit_TooLarge()
    {
        using var body = new ReplayableBody(new ScriptedStream("abc", "def"), null, 64, 5);
        _ = await body.ReadAsync(new byte[3], Token);

        var thrown = await Assert.ThrowsAsync<BadHttpRequestException>(() => body.ReadAsync(new byte[3], Token).AsTask());

        Assert.Equal(413, thrown.StatusCode);
        Assert.Same(thrown, body.Failure);
    }

    private static async Task<string> ReadAsync(Stream body, int bufferSize)
    {
        var text = "";
        var buffer = new byte[bufferSize];
        int count;
        while ((count = await body.ReadAsync(buffer, Token).AsTask().WaitAsync(Bound, Token)) > 0)
        {
            text += System.Text.Encoding.ASCII.GetString(buffer, 0, count);
        }

        return text;
    }

    /// <summary>Delivers each piece by one read (or more, if it does not fit); then waits for more. Tolerates no read while one is pending.</summary>
    private sealed class ScriptedStream : MemoryStream
    {
        private readonly System.Threading.Channels.Channel<byte[]> _pieces = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
        private byte[] _rest = [];
        private int _reading;

        public ScriptedStream(params string[] pieces) => Array.ForEach(pieces, Add);

        public int Delivered { get; private set; }

        public int Reads { get; private set; }

        public void Add(string piece) => _pieces.Writer.TryWrite(System.Text.Encoding.ASCII.GetBytes(piece));

        public void Fail(Exception fault) => _pieces.Writer.TryComplete(fault);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Assert.Equal(0, Interlocked.Exchange(ref _reading, 1));
            Reads++;
            if (_rest.Length == 0)
            {
                try
                {
                    _rest = await _pieces.Reader.ReadAsync(cancellationToken);
                }
                catch (System.Threading.Channels.ChannelClosedException e)
                {
                    throw e.InnerException!;
                }
            }

            var count = Math.Min(buffer.Length, _rest.Length);
            _rest.AsSpan(0, count).CopyTo(buffer.Span);
            _rest = _rest[count..];
            Delivered += count;
            Volatile.Write(ref _reading, 0);
            return count;
        }
    }
}
