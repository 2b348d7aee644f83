using System.Net;
using System.Net.Sockets;

namespace Guard.TestSupport;

/// <summary>Hands out loopback ports nobody listens on. They lie below the range the system takes outgoing ports from, so that no
/// connection of another test sits on one by chance. Thread-safe.</summary>
internal static class FreePort
{
    private const int First = 20_000;
    private const int Count = 10_000;

    // Two test processes at once start at different places.
    private static int _next = Environment.ProcessId * 97 % Count;

    public static int Next()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }

        throw new InvalidOperationException("no free port");
    }
}
