using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Guard.Load.Clients;

/// <summary>
/// Many streams per connection, HTTP/2 without TLS: just enough of RFC 9113 to send GETs without a body and to see their answers end, so
/// that this side costs little. Header blocks are written without compression and not read.
/// </summary>
internal sealed class HeldHttp2(int requests, int streamsPerConnection) : HeldRequests(requests)
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte GoAway = 7;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;
    private const byte Ack = 1;
    private const int HeadLength = 9;

    /// <inheritdoc/>
    public override async Task SendAsync(int port, Func<int, string> pathOf, string expected, CancellationToken cancellationToken)
    {
        var wanted = Encoding.ASCII.GetBytes(expected);
        for (var first = 0; first < Requests; first += streamsPerConnection)
        {
            var socket = await ConnectAsync(port, cancellationToken);
            var opening = new List<byte>("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());

            // No push; each stream and the connection may send a gigabyte without asking.
            Frame(opening, Settings, 0, 0, [0, 2, 0, 0, 0, 0, 0, 4, 0x3F, 0xFF, 0xFF, 0xFF]);
            Frame(opening, 8, 0, 0, [0x3F, 0, 0, 0]);
            for (var i = first; i < Math.Min(Requests, first + streamsPerConnection); i++)
            {
                Frame(opening, Headers, EndStream | EndHeaders, (2 * (i - first)) + 1, Block(pathOf(i)));
            }

            await socket.SendAsync(opening.ToArray(), cancellationToken);
            _ = ReadAsync(socket, wanted);
        }
    }

    /// <summary>HPACK without compression: GET and http from the static table, path and authority as literals.</summary>
    private static byte[] Block(string path)
        => [0x82, 0x86, 0x04, .. Text(path), 0x01, .. Text("load.test")];

    private static byte[] Text(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        return bytes.Length < 127 ? [(byte)bytes.Length, .. bytes]
            : bytes.Length < 127 + 128 ? [127, (byte)(bytes.Length - 127), .. bytes]
            : [127, (byte)(0x80 | ((bytes.Length - 127) & 0x7F)), (byte)((bytes.Length - 127) >> 7), .. bytes];
    }

    private static void Frame(List<byte> to, byte type, byte flags, int stream, byte[] payload)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        BinaryPrimitives.WriteInt32BigEndian(head, payload.Length << 8);
        (head[3], head[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(head[5..], stream);
        to.AddRange(head);
        to.AddRange(payload);
    }

    private async Task ReadAsync(Socket socket, byte[] wanted)
    {
        var buffer = new byte[64 * 1024];
        var filled = 0;
        try
        {
            while (true)
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(filled));
                if (count == 0)
                {
                    throw new LoadException($"a connection was closed, after {Answered} answers");
                }

                filled += count;
                var (consumed, reply) = Take(buffer.AsSpan(0, filled), wanted);
                if (reply.Length > 0)
                {
                    await socket.SendAsync(reply);
                }

                buffer.AsSpan(consumed, filled - consumed).CopyTo(buffer);
                filled -= consumed;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or LoadException)
        {
            Broke(e as LoadException ?? new LoadException($"a connection broke after {Answered} answers: {e.Message}"));
        }
    }

    private (int Consumed, byte[] Reply) Take(ReadOnlySpan<byte> received, byte[] wanted)
    {
        var consumed = 0;
        var reply = new List<byte>();
        while (received.Length - consumed >= HeadLength)
        {
            var frame = received[consumed..];
            var length = BinaryPrimitives.ReadInt32BigEndian(frame) >> 8;
            if (frame.Length < HeadLength + length)
            {
                break;
            }

            var (type, flags) = (frame[3], frame[4]);
            var payload = frame.Slice(HeadLength, length);
            switch (type)
            {
                case Settings when (flags & Ack) == 0:
                    Frame(reply, Settings, Ack, 0, []);
                    break;
                case Ping when (flags & Ack) == 0:
                    Frame(reply, Ping, Ack, 0, payload.ToArray());
                    break;
                case Reset or GoAway:
                    throw new LoadException($"the server ended a stream or the connection, after {Answered} answers");
                case Data when length > 0:
                    // The whole of a short body is in one frame; its end may be in an empty one behind.
                    OneAnswered(payload.IndexOf(wanted) >= 0);
                    break;
            }

            consumed += HeadLength + length;
        }

        return (consumed, [.. reply]);
    }
}
