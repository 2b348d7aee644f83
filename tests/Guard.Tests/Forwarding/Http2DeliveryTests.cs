using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Guard.Core.Transport;
using Guard.Model.Runners;

namespace Guard.Tests.Forwarding;

/// <summary>One delivery per try, where the runner speaks HTTP/2: frames counted on a bare socket.</summary>
public sealed class Http2DeliveryTests
{
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte Settings = 4;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Forward_RunnerEndsConnectionAfterRequest_DeliveredOnce(bool resetsStreamFirst)
    {
        var deliveries = 0;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync();
        await using var gateway = await ForwardingGateway.StartAsync(
            $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", protocol: RunnerProtocol.H2c);
        using var client = gateway.Client();

        using var reply = await client.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.BadGateway, reply.StatusCode);
        Assert.Equal(ForwardStatus.Failed, (await gateway.OutcomeAsync()).Status);
        Assert.Equal(1, deliveries);
        listener.Stop();
        await serving.WaitAsync(TimeSpan.FromMinutes(1), Token);

        async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var connection = await listener.AcceptTcpClientAsync(Token);
                    var stream = connection.GetStream();
                    await stream.ReadExactlyAsync(new byte[24], Token); // the preface
                    await stream.WriteAsync(new byte[] { 0, 0, 0, Settings, 0, 0, 0, 0, 0 }, Token);
                    while (await ReadFrameAsync(stream) != Headers)
                    {
                    }

                    Interlocked.Increment(ref deliveries);
                    if (resetsStreamFirst)
                    {
                        await stream.WriteAsync(new byte[] { 0, 0, 4, ResetStream, 0, 0, 0, 0, 1, 0, 0, 0, 2 }, Token); // INTERNAL_ERROR
                    }
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                // Stopped, while waiting or between two waits.
            }
        }
    }

    private static async Task<byte> ReadFrameAsync(NetworkStream stream)
    {
        var head = new byte[9];
        await stream.ReadExactlyAsync(head, Token);
        await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8], Token);
        return head[3];
    }
}
