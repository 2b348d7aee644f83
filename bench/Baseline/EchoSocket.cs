using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Guard.Baseline;

/// <summary>A WebSocket that sends back what it gets, frame by frame (RFC 6455), without copying more than it must.</summary>
internal static class EchoSocket
{
    private static readonly byte[] Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8.ToArray();

    /// <summary>The 101 to a handshake.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 says SHA-1")]
    public static byte[] Accept(ReadOnlySpan<byte> head)
    {
        var at = RequestHead.FindValue(head, "\nsec-websocket-key: "u8);
        var key = at < 0 ? [] : head.Slice(at, head[at..].IndexOf((byte)'\r'));
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Convert.ToBase64String(SHA1.HashData([.. key, .. Guid]))}\r\n\r\n");
    }

    public static async Task RunAsync(Socket client, byte[] received)
    {
        // Small: thousands of idle ones must not be what fills the machine.
        var buffer = new byte[2048];
        received.CopyTo(buffer, 0);
        var filled = received.Length;
        while (true)
        {
            var (consumed, reply, closed) = Turn(buffer.AsSpan(0, filled));
            if (reply > 0)
            {
                await client.SendAsync(buffer.AsMemory(0, reply));
            }

            if (closed)
            {
                return;
            }

            buffer.AsSpan(consumed, filled - consumed).CopyTo(buffer);
            filled -= consumed;
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var count = await client.ReceiveAsync(buffer.AsMemory(filled));
            if (count == 0)
            {
                return;
            }

            filled += count;
        }
    }

    /// <summary>Turns the client's whole frames, in place, into the server's: the mask goes, so each gets shorter.</summary>
    private static (int Consumed, int Reply, bool Closed) Turn(Span<byte> bytes)
    {
        var (consumed, reply) = (0, 0);
        while (true)
        {
            var rest = bytes[consumed..];
            if (rest.Length < 6)
            {
                return (consumed, reply, false);
            }

            var extended = (rest[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 };
            var head = 2 + extended + 4;
            if (rest.Length < head)
            {
                return (consumed, reply, false);
            }

            var length = extended switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(rest[2..]),
                8 => (int)BinaryPrimitives.ReadUInt64BigEndian(rest[2..]),
                _ => rest[1] & 0x7F,
            };
            if (rest.Length < head + length)
            {
                return (consumed, reply, false);
            }

            var mask = BinaryPrimitives.ReadUInt32LittleEndian(rest[(head - 4)..]);
            var closes = (rest[0] & 0x0F) == 8;
            bytes[reply] = rest[0];
            bytes[reply + 1] = (byte)(rest[1] & 0x7F);
            rest.Slice(2, extended).CopyTo(bytes[(reply + 2)..]);
            var payload = bytes.Slice(reply + 2 + extended, length);
            rest.Slice(head, length).CopyTo(payload);
            for (var i = 0; i < length; i++)
            {
                payload[i] ^= (byte)(mask >> (8 * (i & 3)));
            }

            consumed += head + length;
            reply += 2 + extended + length;
            if (closes)
            {
                return (consumed, reply, true);
            }
        }
    }
}
