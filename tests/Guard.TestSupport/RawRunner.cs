using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace Guard.TestSupport;

/// <summary>One request as it came off the wire, byte for byte (Latin-1).</summary>
/// <param name="Head">Request line and header lines, without the empty line.</param>
/// <param name="Body">As framed on the wire: chunk sizes included.</param>
/// <param name="Connection">Which connection of the runner, from 1.</param>
internal sealed record RawRequest(string Head, string Body, int Connection)
{
    public string RequestLine => Head[..Head.IndexOf("\r\n", StringComparison.Ordinal)];

    /// <summary>The values of each line with this name.</summary>
    public string[] Header(string name)
        => Head.Split("\r\n").Skip(1)
            .Where(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(l => l[(name.Length + 1)..].Trim())
            .ToArray();

    public bool Has(string name) => Header(name).Length > 0;
}

/// <summary>
/// A runner made of a bare socket: records exactly what is sent to it, and answers what its script says, down to resets and silence.
/// </summary>
internal sealed class RawRunner : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly Channel<RawRequest> _arrivals = Channel.CreateUnbounded<RawRequest>();
    private readonly ConcurrentQueue<RawRequest> _requests = new();
    private readonly Func<RawConnection, RawRequest, Task> _script;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentDictionary<RawConnection, Task> _open = new();
    private int _connections;
    private bool _disposed;

    /// <param name="script">Called for each request that has arrived whole. A connection is read on after it returns, unless it was closed.</param>
    /// <param name="port">Of the loopback address; 0 takes any.</param>
    /// <param name="certificate">Makes it speak TLS.</param>
    public RawRunner(Func<RawConnection, RawRequest, Task> script, int port = 0, X509Certificate2? certificate = null)
    {
        _script = script;
        _certificate = certificate;
        _listener = new(Accepted, port);
    }

    /// <summary>A runner that gives every request the same bytes.</summary>
    public static RawRunner Replying(string reply) => new((connection, _) => connection.SendAsync(reply));

    public int Port => _listener.Port;

    public string Endpoint => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}";

    /// <summary>Every request delivered so far.</summary>
    public IReadOnlyList<RawRequest> Requests => [.. _requests];

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>The next request not yet taken.</summary>
    public Task<RawRequest> NextAsync(CancellationToken cancellationToken)
        => _arrivals.Reader.ReadAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), cancellationToken);

    /// <summary>Closes everything. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _listener.DisposeAsync();
        foreach (var (connection, _) in _open)
        {
            connection.Close();
        }

        await Task.WhenAll(_open.Values);
    }

    private void Accepted(Socket socket, CancellationToken stopping)
    {
        var connection = new RawConnection(socket, Interlocked.Increment(ref _connections), stopping);
        _open[connection] = ServeAsync(connection);
    }

    private async Task ServeAsync(RawConnection connection)
    {
        await Task.Yield();
        try
        {
            if (_certificate is not null)
            {
                await connection.UseTlsAsync(_certificate);
            }

            while (await connection.ReadRequestAsync() is { } request)
            {
                _requests.Enqueue(request);
                _arrivals.Writer.TryWrite(request);
                await _script(connection, request);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or AuthenticationException)
        {
            // The peer, or the script, closed it.
        }
        finally
        {
            connection.Close();
        }
    }
}

/// <summary>One connection to a <see cref="RawRunner"/>, in the hands of its script.</summary>
internal sealed class RawConnection(Socket socket, int number, CancellationToken stopped) : IDisposable
{
    private Stream _stream = new NetworkStream(socket, ownsSocket: true);
    private readonly List<byte> _read = [];

    /// <summary>Fires when the runner is disposed.</summary>
    public CancellationToken Stopped => stopped;

    public async Task UseTlsAsync(X509Certificate2 certificate)
    {
        var tls = new SslStream(_stream);
        _stream = tls;
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stopped);
    }

    public Task SendAsync(string latin1) => SendAsync(Encoding.Latin1.GetBytes(latin1));

    public Task SendAsync(byte[] bytes) => _stream.WriteAsync(bytes, stopped).AsTask();

    /// <summary>Orderly end: FIN after what was sent.</summary>
    public void Close() => _stream.Dispose();

    public void Dispose() => Close();

    /// <summary>RST.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    /// <summary>Waits until the peer is gone.</summary>
    public async Task WaitForEndAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }
        }
        catch (IOException)
        {
            // Reset: gone too.
        }
    }

    /// <summary>Reads exactly this many bytes of what comes next (after an upgrade).</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        while (_read.Count < count && await FillAsync())
        {
        }

        return Take(Math.Min(count, _read.Count));
    }

    /// <summary>Null when the peer closed between requests.</summary>
    public async Task<RawRequest?> ReadRequestAsync()
    {
        int end;
        while ((end = IndexOf("\r\n\r\n"u8.ToArray(), 0)) < 0)
        {
            if (!await FillAsync())
            {
                return null;
            }
        }

        var head = Encoding.Latin1.GetString(Take(end + 4))[..^4];
        var probe = new RawRequest(head, "", number);
        var body = probe.Header("content-length") is [var length]
            ? Encoding.Latin1.GetString(await ReadAsync(int.Parse(length, System.Globalization.CultureInfo.InvariantCulture)))
            : probe.Has("transfer-encoding") ? await ReadChunkedAsync() : "";
        return probe with { Body = body };
    }

    private async Task<string> ReadChunkedAsync()
    {
        int end;
        while ((end = IndexOf("0\r\n\r\n"u8.ToArray(), 0)) < 0)
        {
            if (!await FillAsync())
            {
                return Encoding.Latin1.GetString(Take(_read.Count));
            }
        }

        return Encoding.Latin1.GetString(Take(end + 5));
    }

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[64 * 1024];
        var count = await _stream.ReadAsync(buffer, stopped);
        _read.AddRange(buffer[..count]);
        return count > 0;
    }

    private byte[] Take(int count)
    {
        var taken = _read.GetRange(0, count).ToArray();
        _read.RemoveRange(0, count);
        return taken;
    }

    private int IndexOf(byte[] sequence, int from)
        => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_read)[from..].IndexOf(sequence) is var i && i < 0 ? -1 : i + from;
}
