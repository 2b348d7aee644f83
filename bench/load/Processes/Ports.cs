using System.Net;
using System.Net.Sockets;

namespace Guard.Load.Processes;

internal static class Ports
{
    // Below the range outgoing connections are given ports from: thousands of those are about to be opened.
    private static int _next = 20_000 + Random.Shared.Next(10_000);

    /// <summary>A loopback port nobody listens on.</summary>
    public static int Free()
    {
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                var port = Interlocked.Increment(ref _next);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one, then.
            }
        }
    }

    /// <summary>Waits until somebody listens.</summary>
    public static async Task WaitAsync(int port, Child child, CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return;
            }
            catch (SocketException) when (!child.HasEnded && TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }
            catch (SocketException)
            {
                throw new LoadException($"{child.Name} does not listen: {child.LastWords()}");
            }
        }
    }
}
