using Guard.Core.Tests.Transport.Http;
using Guard.Core.Transport.WebSockets;

namespace Guard.Core.Tests.Transport.WebSockets;

public sealed class FramedOutputTests
{
    private static readonly byte[] Close = CloseFrame.Create(CloseFrame.GoingAway, "", fromClient: false);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Close_AnywhereInAStream_ComesAfterTheFrameUnderWayAndNothingAfterIt()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var frames = WebSocketFrames.Random(random, 3);
            var bytes = frames.Bytes;
            var closeAt = random.Next(bytes.Length + 1);
            using var sink = new MemoryStream();
            var output = new FramedOutput(sink);
            var at = 0;
            while (at < closeAt)
            {
                await WriteAsync(Math.Min(closeAt - at, random.Next(1, 3000)));
            }

            await output.CloseAsync(Close, Token);
            while (at < bytes.Length)
            {
                await WriteAsync(random.Next(1, 3000));
            }

            var end = closeAt == 0 ? 0 : frames.Ends.First(e => e >= closeAt);
            Assert.True(sink.ToArray().AsSpan().SequenceEqual([.. bytes[..end], .. Close]), $"seed {seed}, closed after {closeAt} of {bytes.Length} bytes");
            Assert.True(output.IsClosed);
            Assert.False(output.SenderDone.IsCompleted);

            async Task WriteAsync(int most)
            {
                var count = Math.Min(most, bytes.Length - at);
                await output.WriteAsync(bytes.AsMemory(at, count), Token);
                at += count;
            }
        }
    }

    [Fact]
    public async Task Close_WhileAWriteIsUnderWay_FollowsIt()
    {
        var sink = new GatedStream();
        var output = new FramedOutput(sink);
        byte[] frame = [0x82, 0x01, 0x07];

        var write = output.WriteAsync(frame, Token).AsTask();
        await output.CloseAsync(Close, Token);
        Assert.Equal(frame, sink.Written);
        sink.Gate.SetResult();
        await write;

        Assert.Equal([.. frame, .. Close], sink.Written);
    }

    [Fact]
    public async Task Close_AfterTheSendersOwn_AddsNothing()
    {
        using var sink = new MemoryStream();
        var output = new FramedOutput(sink);
        await output.WriteAsync(Close, Token);

        await output.CloseAsync(CloseFrame.Create(CloseFrame.InternalError, "late", fromClient: false), Token);

        Assert.Equal(Close, sink.ToArray());
        Assert.True(output.IsClosed);
        Assert.True(output.SenderDone.IsCompleted);
    }

    [Fact]
    public async Task SenderDone_CloseOfTheSenderIsDropped_EndsAllTheSame()
    {
        using var sink = new MemoryStream();
        var output = new FramedOutput(sink);
        await output.CloseAsync(Close, Token);
        var done = output.SenderDone;

        await output.WriteAsync(Close.AsMemory(0, 1), Token);
        Assert.False(done.IsCompleted);
        await output.WriteAsync(Close.AsMemory(1), Token);

        await done.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Token);
        Assert.Equal(Close, sink.ToArray());
    }

    [Fact]
    public void Create_FromClient_IsMaskedAndSaysTheSame()
    {
        var plain = CloseFrame.Create(CloseFrame.InternalError, "why", fromClient: false);
        var masked = CloseFrame.Create(CloseFrame.InternalError, "why", fromClient: true);

        Assert.Equal([0x88, 5, 0x03, 0xF3, (byte)'w', (byte)'h', (byte)'y'], plain);
        Assert.Equal([0x88, 0x85], masked[..2]);
        Assert.Equal(plain[2..], masked[6..].Select((b, i) => (byte)(b ^ masked[2 + (i % 4)])));
    }

    /// <summary>Its first write ends when it is told to.</summary>
    private sealed class GatedStream : MemoryStream
    {
        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public byte[] Written => ToArray();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            await Gate.Task;
        }
    }
}
