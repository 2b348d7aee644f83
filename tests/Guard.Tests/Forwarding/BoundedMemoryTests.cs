using Guard.TestSupport;

namespace Guard.Tests.Forwarding;

/// <summary>Measures the process's memory, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(BoundedMemoryTests), DisableParallelization = true)]
[Collection(nameof(BoundedMemoryTests))]
public sealed class BoundedMemoryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Forward_LargeUploadAndDownload_StreamWithBoundedMemory()
    {
        const int Size = 64 * 1024 * 1024;
        await using var runner = await KestrelRunner.StartAsync(http2: false, async context =>
        {
            var buffer = new byte[64 * 1024];
            long received = 0;
            int count;
            while ((count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                received += count;
            }

            context.Response.ContentLength = received;
            for (var sent = 0L; sent < received; sent += buffer.Length)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, received - sent)), context.RequestAborted);
            }
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint, o => o.Limits.MaxRequestBodyBytes = 2L * Size);
        using var client = gateway.Client();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = 0;
        var steps = 0;

        // What is alive now and then, garbage aside.
        void Sample()
        {
            if (++steps % 128 == 0)
            {
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
            }
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StreamContent(new ZeroStream(Size, Sample)) };
        using var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await reply.Content.ReadAsStreamAsync(Token);
        var received = new byte[64 * 1024];
        long total = 0;
        int read;
        while ((read = await stream.ReadAsync(received, Token)) > 0)
        {
            total += read;
            Sample();
        }

        Assert.Equal(Size, total);
        Assert.InRange(peak - before, long.MinValue, Size / 4);
    }

    private sealed class ZeroStream(long length, Action read) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            read();
            var n = (int)Math.Min(count, length - _position);
            Array.Clear(buffer, offset, n);
            _position += n;
            return n;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
