using System.Collections.Concurrent;
using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;

namespace Guard.Core.Request.Admission;

/// <summary>
/// The limits of each client (<c>Limits:*PerClient</c>, followed as they are reloaded) and of all WebSockets. They come before anything is
/// looked up or woken, so that one client can use up nothing that others need. Thread-safe.
/// </summary>
/// <remarks>
/// Clients are forgotten when nothing of theirs is open and their bucket is full. At most <see cref="MaxClients"/> are kept, some 40 MB;
/// those beyond share entries by hash: an attacker with that many networks meets the same limits, only with company.
/// </remarks>
internal sealed class ClientLimits : IDisposable
{
    /// <summary>Clients with an entry of their own.</summary>
    public const int MaxClients = 100_000;

    private const int SharedEntries = 1024;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ClientKey, ClientUse> _clients = new();
    private readonly ClientUse[] _shared = [.. Enumerable.Range(0, SharedEntries).Select(_ => new ClientUse())];
    private readonly LiveOptions _options;
    private readonly GuardMetrics _metrics;
    private readonly MemoryPressure _memory;
    private readonly ITimer _sweep;
    private int _count;
    private int _webSockets;

    public ClientLimits(LiveOptions options, GuardMetrics metrics, MemoryPressure memory, TimeProvider time)
    {
        (_options, _metrics, _memory) = (options, metrics, memory);
        _sweep = time.CreateTimer(static self => ((ClientLimits)self!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Clients with an entry of their own now; for tests.</summary>
    public int Count => _count;

    /// <summary>Whether any limit is set that needs the client's address.</summary>
    public bool IsOn(bool isWebSocket)
    {
        var limits = _options.Current.Limits;
        return limits.RequestsPerClient != 0 || limits.ConcurrentPerClient != 0
            || (isWebSocket && (limits.WebSocketsPerClient != 0 || limits.WebSockets != 0));
    }

    /// <summary>Refuses what this Guard has no memory for, whoever asks; null when there is.</summary>
    public GuardError? CheckMemory()
    {
        if (!_memory.ShedsRequests)
        {
            return null;
        }

        _metrics.LimitRejected("memory");
        return GuardErrors.Overloaded("memory");
    }

    /// <summary>Takes a place for a request of the client.</summary>
    /// <param name="client">As trusted proxies tell it.</param>
    /// <param name="isWebSocket">It counts as a WebSocket as well.</param>
    /// <param name="place">Give it back when the request is over; default when refused.</param>
    public GuardError? TryEnter(IPAddress? client, bool isWebSocket, out ClientPlace place)
    {
        place = default;
        var limits = _options.Current.Limits;
        if (isWebSocket && Interlocked.Increment(ref _webSockets) > limits.WebSockets && limits.WebSockets != 0)
        {
            Interlocked.Decrement(ref _webSockets);
            _metrics.LimitRejected("websockets");
            return GuardErrors.Overloaded("websockets", limits.WebSockets);
        }

        while (true)
        {
            var use = UseOf(ClientKey.Of(client));
            if (use.TryEnter(limits, isWebSocket) is not { } decision)
            {
                continue;
            }

            if (decision.Refused == ClientLimit.None)
            {
                place = new(this, use, isWebSocket);
                return null;
            }

            if (isWebSocket)
            {
                Interlocked.Decrement(ref _webSockets);
            }

            var (label, scope) = NamesOf(decision.Refused);
            _metrics.LimitRejected(label);
            return GuardErrors.RateLimit(decision.RetryAfter, decision.Limit, scope);
        }
    }

    public void Dispose() => _sweep.Dispose();

    internal void Exit(ClientUse use, bool isWebSocket)
    {
        use.Exit(isWebSocket);
        if (isWebSocket)
        {
            Interlocked.Decrement(ref _webSockets);
        }
    }

    /// <summary>Forgets clients that need no memory of theirs.</summary>
    internal void Sweep()
    {
        foreach (var (key, use) in _clients)
        {
            if (use.TryDrop() && _clients.TryRemove(KeyValuePair.Create(key, use)))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }

    /// <summary>In metrics, and in the error's metadata.</summary>
    private static (string Label, string Scope) NamesOf(ClientLimit limit) => limit switch
    {
        ClientLimit.Rate => ("rate", "requests"),
        ClientLimit.Concurrency => ("concurrency", "concurrent"),
        _ => ("websockets", "websockets"),
    };

    private ClientUse UseOf(ClientKey key)
    {
        if (_clients.TryGetValue(key, out var use))
        {
            return use;
        }

        if (Volatile.Read(ref _count) >= MaxClients)
        {
            return _shared[(uint)key.GetHashCode() % SharedEntries];
        }

        use = new();
        if (_clients.TryAdd(key, use))
        {
            Interlocked.Increment(ref _count);
            return use;
        }

        return UseOf(key);
    }
}

/// <summary>A client's place. Give it back exactly once.</summary>
internal readonly struct ClientPlace(ClientLimits limits, ClientUse use, bool isWebSocket)
{
    private readonly ClientLimits? _limits = limits;

    public void Exit() => _limits?.Exit(use, isWebSocket);
}
