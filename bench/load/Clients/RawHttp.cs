using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Guard.Load.Clients;

/// <summary>HTTP/1.1 on a bare socket: one request at a time, at the least cost for this side.</summary>
internal static class RawHttp
{
    /// <summary>To a port on loopback.</summary>
    public static async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        return socket;
    }

    /// <param name="path">Path and query.</param>
    public static byte[] Get(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: load.test\r\n\r\n");

    /// <summary>Receives one reply, at most as much of it as the buffer holds; returns its length. Throws <see cref="LoadException"/> when
    /// the connection ends before that.</summary>
    public static async Task<int> ReceiveAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken)
    {
        var filled = 0;
        do
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
            filled += count > 0 ? count : throw new LoadException("a connection was closed without a whole answer");
        }
        while (!HttpReply.IsWhole(buffer.AsSpan(0, filled)) && filled < buffer.Length);

        return filled;
    }
}
