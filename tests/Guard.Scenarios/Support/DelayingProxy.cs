using System.Net;
using System.Net.Sockets;
using Guard.TestSupport;

namespace Guard.Scenarios.Support;

/// <summary>Passes bytes on to a loopback port, each way as much later as it was told; order is kept and nothing is slowed otherwise.</summary>
internal sealed class DelayingProxy : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly int _target;
    private readonly TimeSpan _delay;

    public DelayingProxy(int target, TimeSpan delay)
    {
        _target = target;
        _delay = delay;
        _listener = new((socket, end) => _ = PassAsync(new TcpClient { Client = socket }, end));
    }

    public int Port => _listener.Port;

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    private async Task PassAsync(TcpClient client, CancellationToken end)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, end);
                await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream(), end), CopyAsync(server.GetStream(), client.GetStream(), end));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, CancellationToken end)
    {
        var sent = Task.CompletedTask;
        try
        {
            while (true)
            {
                var buffer = new byte[16 * 1024];
                var read = await from.ReadAsync(buffer, end);
                if (read == 0)
                {
                    await sent;
                    return;
                }

                sent = SendAsync(sent, Task.Delay(_delay, TimeProvider.System, end), buffer.AsMemory(0, read), to);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
        }
    }

    private static async Task SendAsync(Task before, Task due, ReadOnlyMemory<byte> bytes, NetworkStream to)
    {
        await before;
        await due;
        await to.WriteAsync(bytes);
    }
}
