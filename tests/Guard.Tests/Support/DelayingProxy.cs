using System.Net;
using System.Net.Sockets;

namespace Guard.Tests.Support;

/// <summary>Passes bytes on to a loopback port, each way as much later as it was told; order is kept and nothing is slowed otherwise.</summary>
internal sealed class DelayingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly int _target;
    private readonly TimeSpan _delay;
    private readonly Task _accepting;

    public DelayingProxy(int target, TimeSpan delay)
    {
        _target = target;
        _delay = delay;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = PassAsync(await _listener.AcceptTcpClientAsync(_end.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
                await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream()), CopyAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        var sent = Task.CompletedTask;
        try
        {
            while (true)
            {
                var buffer = new byte[16 * 1024];
                var read = await from.ReadAsync(buffer, _end.Token);
                if (read == 0)
                {
                    await sent;
                    return;
                }

                sent = SendAsync(sent, Task.Delay(_delay, TimeProvider.System, _end.Token), buffer.AsMemory(0, read), to);
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
