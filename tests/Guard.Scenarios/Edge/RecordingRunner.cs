using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Guard.Scenarios.Edge.Wire;
using Guard.TestSupport;

namespace Guard.Scenarios.Edge;

/// <summary>
/// A runner that is a bare socket and a strict reader: keeps every request that reaches it, also one that breaks off, and whatever is no
/// request at all. Calls on Guard's own channel are answered and kept apart. Thread-safe.
/// </summary>
internal sealed class RecordingRunner : IAsyncDisposable
{
    private readonly LoopbackListener _listener;
    private readonly ConcurrentQueue<WireRequest> _requests = new();
    private readonly ConcurrentQueue<WireRequest> _calls = new();
    private readonly ConcurrentQueue<string> _garbage = new();
    private readonly ConcurrentDictionary<Task, byte> _serving = new();
    private long _bytes;

    public RecordingRunner() => _listener = new(Accepted, backlog: 4096);

    public string Endpoint => $"http://127.0.0.1:{_listener.Port}";

    /// <summary>What clients' requests meet; by default 200 with the number of the request in <c>x-seen</c>. Gets the connection's stream,
    /// on which it may write anything; false ends the connection.</summary>
    public Func<WireRequest, int, Stream, CancellationToken, Task<bool>> OnRequest { get; set; } = ReplyAsync;

    /// <summary>Awaited before a start or stop call is answered 200.</summary>
    public Func<WireRequest, CancellationToken, Task> OnCall { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Clients' requests in the order of their arrival.</summary>
    public IReadOnlyCollection<WireRequest> Requests => _requests;

    /// <summary>Start and stop calls.</summary>
    public IReadOnlyCollection<WireRequest> Calls => _calls;

    /// <summary>What came and was no request.</summary>
    public IReadOnlyCollection<string> Garbage => _garbage;

    /// <summary>Bytes of clients' requests that have arrived, whole requests or not.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public static async Task<bool> ReplyAsync(WireRequest request, int number, Stream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-seen: {number}\r\n\r\nok"), cancellationToken);
        return true;
    }

    /// <summary>Answers a WebSocket handshake with its 101.</summary>
    public static async Task SwitchAsync(WireRequest handshake, Stream stream, CancellationToken cancellationToken)
    {
#pragma warning disable CA5350 // The protocol's own proof of reading.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(handshake.Values("sec-websocket-key").Single() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), cancellationToken);
    }

    /// <summary>Stops, and knows then all that arrived. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await Task.WhenAll(_serving.Keys);
    }

    private void Accepted(Socket socket, CancellationToken stopping)
    {
        var task = ServeAsync(socket, stopping);
        _serving[task] = 0;
        _ = task.ContinueWith(t => _serving.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ServeAsync(Socket socket, CancellationToken stopping)
    {
        await Task.Yield();
        socket.NoDelay = true;
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var buffer = new byte[16 * 1024];
        var filled = 0;
        try
        {
            while (true)
            {
                var end = StrictHttp1.Read(buffer.AsSpan(0, filled), out var request, out var length);
                if (end == WireEnd.Clean)
                {
                    buffer.AsSpan(length, filled - length).CopyTo(buffer);
                    filled -= length;
                    if (!await AnswerAsync(request!, length, stream, stopping))
                    {
                        return;
                    }

                    continue;
                }

                if (end == WireEnd.Invalid)
                {
                    _garbage.Enqueue(Encoding.Latin1.GetString(buffer, 0, filled));
                    return;
                }

                if (filled == buffer.Length)
                {
                    Array.Resize(ref buffer, 2 * filled);
                }

                var count = await stream.ReadAsync(buffer.AsMemory(filled), stopping);
                if (count == 0)
                {
                    KeepTorn(request, buffer.AsSpan(0, filled));
                    return;
                }

                filled += count;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            StrictHttp1.Read(buffer.AsSpan(0, filled), out var torn, out _);
            KeepTorn(torn, buffer.AsSpan(0, filled));
        }
    }

    private async Task<bool> AnswerAsync(WireRequest request, int length, Stream stream, CancellationToken stopping)
    {
        if (request.Target.StartsWith("/.guard/", StringComparison.Ordinal))
        {
            _calls.Enqueue(request);
            await OnCall(request, stopping);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), stopping);
            return true;
        }

        Interlocked.Add(ref _bytes, length);
        _requests.Enqueue(request);
        return await OnRequest(request, _requests.Count, stream, stopping);
    }

    private void KeepTorn(WireRequest? request, ReadOnlySpan<byte> rest)
    {
        if (!rest.IsEmpty)
        {
            Interlocked.Add(ref _bytes, rest.Length);
            if (request is not null)
            {
                _requests.Enqueue(request);
            }
            else
            {
                _garbage.Enqueue(Encoding.Latin1.GetString(rest));
            }
        }
    }
}
