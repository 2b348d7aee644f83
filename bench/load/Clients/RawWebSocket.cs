using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Guard.Load.Clients;

/// <summary>A WebSocket that sends one prepared message and waits for it to come back, at the least cost for this side.</summary>
internal sealed class RawWebSocket : IDisposable
{
    // Short enough for the shortest frame heads: 2 bytes, and 4 of mask on the way in.
    private const int PayloadLength = 100;
    private const int ReplyLength = 2 + PayloadLength;
    private static readonly byte[] Message = [0x82, 0x80 | PayloadLength, 0, 0, 0, 0, .. Enumerable.Repeat((byte)'m', PayloadLength)];
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[1024];

    public static async Task<RawWebSocket> ConnectAsync(int port, string path, CancellationToken cancellationToken)
    {
        var socket = new RawWebSocket();
        await socket._socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        await socket._socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"GET {path} HTTP/1.1\r\nHost: load.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
            cancellationToken);
        var filled = 0;
        while (socket._buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) < 0)
        {
            var count = await socket._socket.ReceiveAsync(socket._buffer.AsMemory(filled), cancellationToken);
            filled += count > 0 ? count : throw new LoadException("a WebSocket was not accepted");
        }

        return socket._buffer.AsSpan().StartsWith("HTTP/1.1 101"u8)
            ? socket
            : throw new LoadException($"a WebSocket was not accepted: {Encoding.ASCII.GetString(socket._buffer, 0, filled).Split('\r')[0]}");
    }

    /// <summary>Sends the message and waits until it is back.</summary>
    public async ValueTask EchoAsync(CancellationToken cancellationToken)
    {
        await _socket.SendAsync(Message, cancellationToken);
        for (var filled = 0; filled < ReplyLength;)
        {
            var count = await _socket.ReceiveAsync(_buffer.AsMemory(filled, ReplyLength - filled), cancellationToken);
            filled += count > 0 ? count : throw new LoadException("a WebSocket was closed");
        }

        if (_buffer[1] != PayloadLength || _buffer[ReplyLength - 1] != (byte)'m')
        {
            throw new LoadException("a message came back changed");
        }
    }

    public void Dispose() => _socket.Dispose();
}
