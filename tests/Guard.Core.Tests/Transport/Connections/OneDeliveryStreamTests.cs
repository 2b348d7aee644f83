using System.Text;
using Guard.Core.Transport.Connections;

namespace Guard.Core.Tests.Transport.Connections;

public sealed class OneDeliveryStreamTests
{
    private static readonly byte[] Head = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_EndInPlaceOfReply_Throws()
    {
        await using var stream = new OneDeliveryStream(new Peer("", "unused"));
        await stream.WriteAsync(Head, Token);

        await Assert.ThrowsAsync<RunnerClosedException>(() => stream.ReadAsync(new byte[10], Token).AsTask());
    }

    [Fact]
    public async Task ReadAsync_EndAfterReply_IsTheEnd()
    {
        await using var stream = new OneDeliveryStream(new Peer("HTTP/1.0", ""));
        await stream.WriteAsync(Head, Token);

        Assert.Equal(8, await stream.ReadAsync(new byte[10], Token));
        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));
    }

    [Fact]
    public async Task ReadAsync_EndAfterUpgradedWrite_IsTheEnd()
    {
        await using var stream = new OneDeliveryStream(new Peer("HTTP/1.1 101", ""));
        await stream.WriteAsync(Head, Token);
        _ = await stream.ReadAsync(new byte[100], Token);
        await stream.WriteAsync(new byte[] { 0x81, 0x05, 1, 2, 3, 4, 5 }, Token);

        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));
    }

    [Fact]
    public async Task ReadAsync_EarlyReplyDuringUpload_EndOfItsBodyIsTheEnd()
    {
        await using var stream = new OneDeliveryStream(new Peer("HTTP/1.0 413", ""));
        await stream.WriteAsync(Head, Token);
        _ = await stream.ReadAsync(new byte[100], Token);
        await stream.WriteAsync("more of the body"u8.ToArray(), Token);

        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));
    }

    [Fact]
    public async Task ReadAsync_ZeroBytes_PassesThrough()
    {
        await using var stream = new OneDeliveryStream(new Peer("x"));
        await stream.WriteAsync(Head, Token);

        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
    }

    [Fact]
    public async Task WriteAsync_RequestAfterEndWasSeen_NothingIsSent()
    {
        var peer = new Peer("");
        await using var stream = new OneDeliveryStream(peer);
        Assert.Equal(0, await stream.ReadAsync(new byte[10], Token));

        await Assert.ThrowsAsync<RunnerUnreachableException>(() => stream.WriteAsync(Head, Token).AsTask());

        Assert.Equal(0, peer.Written);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", true)]
    [InlineData("M-SEARCH * HTTP/1.1\r\nx", true)]
    [InlineData("GET / HTTP/1.1", false)]
    [InlineData("\u0081\u0005GET / HTTP/1.1\r\n", false)]
    [InlineData("{\"a\":1}\r\n", false)]
    [InlineData("\r\n", false)]
    [InlineData("", false)]
    public void StartsWithRequestLine_Bytes_OnlyARequestHead(string bytes, bool expected)
        => Assert.Equal(expected, OneDeliveryStream.StartsWithRequestLine(Encoding.Latin1.GetBytes(bytes)));

    /// <summary>Each read gives one piece, completed asynchronously; the empty piece is the end.</summary>
    private sealed class Peer(params string[] pieces) : MemoryStream
    {
        private int _next;

        public int Written { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return buffer.IsEmpty ? 0 : Encoding.ASCII.GetBytes(pieces[_next++], buffer.Span);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Written += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
