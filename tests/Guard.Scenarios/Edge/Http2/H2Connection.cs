using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Text;

namespace Guard.Scenarios.Edge.Http2;

/// <summary>A frame as it came.</summary>
internal sealed record H2Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;

    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    /// <summary>The error of a RST_STREAM.</summary>
    public uint Error => BinaryPrimitives.ReadUInt32BigEndian(Payload);

    /// <summary>The status of a HEADERS frame: it stands first, as one of a few indexes or as three digits.</summary>
    public int Status
    {
        get
        {
            var at = 0;
            while ((Payload[at] & 0xE0) == 0x20)
            {
                at++; // an update of the table's size
            }

            int[] indexed = [200, 204, 206, 304, 400, 404, 500];
            return (Payload[at] & 0x80) != 0
                ? indexed[(Payload[at] & 0x7F) - 8]
                : int.Parse(Encoding.ASCII.GetString(Payload, at + 2, 3), System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}

/// <summary>
/// An HTTP/2 client that writes whatever frames it is told to. Header blocks are literals without indexing or Huffman code, so that any
/// bytes can stand in them. One writer and one reader at a time.
/// </summary>
internal sealed class H2Connection(Stream stream) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Over TLS when <paramref name="tls"/>, with <c>h2</c> chosen by ALPN.</summary>
    public static async Task<H2Connection> OpenAsync(
        int port, bool tls, CancellationToken cancellationToken, IPAddress? from = null, (ushort Id, uint Value)[]? settings = null)
    {
        var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(from, 0));
        }

        await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        Stream stream = new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        if (tls)
        {
            var secure = new SslStream(stream, leaveInnerStreamOpen: false);
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
                },
                cancellationToken);
            Assert.Equal(SslApplicationProtocol.Http2, secure.NegotiatedApplicationProtocol);
            stream = secure;
        }

        var connection = new H2Connection(stream);
        await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), cancellationToken);
        var payload = new byte[6 * (settings?.Length ?? 0)];
        for (var i = 0; i < payload.Length / 6; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6 * i), settings![i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan((6 * i) + 2), settings[i].Value);
        }

        await connection.WriteAsync(Frame(H2Frame.Settings, 0, 0, payload), cancellationToken);
        return connection;
    }

    public static byte[] Frame(byte type, byte flags, int streamId, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A whole HEADERS frame (Latin-1).</summary>
    public static byte[] Headers(int streamId, bool endStream, params (string Name, string Value)[] fields)
        => Frame(H2Frame.Headers, (byte)(H2Frame.EndHeaders | (endStream ? H2Frame.EndStream : 0)), streamId, Block(fields));

    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        foreach (var (name, value) in fields)
        {
            block.Add(0);
            AddText(block, name);
            AddText(block, value);
        }

        return [.. block];
    }

    public static byte[] Reset(int streamId) => Frame(H2Frame.Reset, 0, streamId, [0, 0, 0, 8]); // CANCEL

    public Task WriteAsync(byte[] bytes, CancellationToken cancellationToken) => stream.WriteAsync(bytes, cancellationToken).AsTask();

    /// <summary>The same where Guard may have closed the connection already: what it sent before can still be read.</summary>
    public async Task TryWriteAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(bytes, cancellationToken);
        }
        catch (IOException)
        {
            // Closed: the reader sees it too.
        }
    }

    /// <summary>The next frame; null when the connection has ended.</summary>
    public async Task<H2Frame?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var head = new byte[9];
            await stream.ReadExactlyAsync(head, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
            await stream.ReadExactlyAsync(payload, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            return new H2Frame(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue, payload);
        }
        catch (Exception e) when (e is EndOfStreamException or IOException)
        {
            return null;
        }
    }

    /// <summary>The first frame that <paramref name="wanted"/> accepts; null when the connection ends before. Settings are acknowledged.</summary>
    public async Task<H2Frame?> ReadUntilAsync(Func<H2Frame, bool> wanted, CancellationToken cancellationToken)
    {
        while (await ReadAsync(cancellationToken) is { } frame)
        {
            if (wanted(frame))
            {
                return frame;
            }

            if (frame is { Type: H2Frame.Settings, Flags: 0 })
            {
                await TryWriteAsync(Frame(H2Frame.Settings, 1, 0, []), cancellationToken);
            }
        }

        return null;
    }

    /// <summary>How a stream was answered: its status, or the error it was reset with, negative; null when the connection ended.</summary>
    public async Task<long?> AnswerAsync(int streamId, CancellationToken cancellationToken)
    {
        var frame = await ReadUntilAsync(f => f.Type == H2Frame.GoAway || (f.Stream == streamId && f.Type is H2Frame.Headers or H2Frame.Reset && f.Stream == streamId), cancellationToken);
        return frame is null or { Type: H2Frame.GoAway } ? null : frame.Type == H2Frame.Headers ? frame.Status : -(long)frame.Error;
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private static void AddText(List<byte> block, string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 127)
        {
            block.Add((byte)bytes.Length);
        }
        else
        {
            block.Add(127);
            var rest = bytes.Length - 127;
            for (; rest >= 128; rest /= 128)
            {
                block.Add((byte)((rest % 128) + 128));
            }

            block.Add((byte)rest);
        }

        block.AddRange(bytes);
    }
}
