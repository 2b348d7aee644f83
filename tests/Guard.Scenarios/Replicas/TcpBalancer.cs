using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Guard.TestSupport;

namespace Guard.Scenarios.Replicas;

/// <summary>
/// A plain TCP balancer: each new connection goes to the next backend whose <c>/readyz</c> said yes when last asked; bytes and ends pass
/// as they come. Thread-safe.
/// </summary>
internal sealed class TcpBalancer : IAsyncDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(50);

    private readonly LoopbackListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<GuardProcess, bool> _backends = new();
    private readonly Task _checking;
    private int _next;

    public TcpBalancer(params GuardProcess[] backends)
    {
        Array.ForEach(backends, Add);
        _checking = CheckAsync();
        _listener = new((socket, end) => _ = ServeAsync(new TcpClient { Client = socket }, end));
    }

    public Uri Address => new($"http://127.0.0.1:{_listener.Port}/");

    /// <summary>Takes a backend in that is ready.</summary>
    public void Add(GuardProcess backend) => _backends[backend] = true;

    public void Remove(GuardProcess backend) => _backends.TryRemove(backend, out _);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listener.DisposeAsync();
        await _checking;
        _stop.Dispose();
    }

    private async Task CheckAsync()
    {
        using var timer = new PeriodicTimer(CheckInterval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await Task.WhenAll(_backends.Keys.Select(CheckOneAsync));
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task CheckOneAsync(GuardProcess backend)
    {
        var ready = false;
        try
        {
            using var reply = await backend.Control.Client.GetAsync("readyz", _stop.Token);
            ready = reply.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or ObjectDisposedException)
        {
            // Gone, or put away by a test that ends: as good as a no.
        }

        _backends.TryUpdate(backend, ready, !ready);
    }

    private async Task ServeAsync(TcpClient client, CancellationToken end)
    {
        using var front = client;
        using var back = new TcpClient { NoDelay = true };
        front.NoDelay = true;
        try
        {
            var ready = _backends.Where(b => b.Value).Select(b => b.Key).OrderBy(b => b.Pid).ToArray();
            var backend = ready[Interlocked.Increment(ref _next) % ready.Length];
            await back.ConnectAsync(IPAddress.Loopback, backend.Gateway.Port, end);
            await Task.WhenAll(CopyAsync(front, back, end), CopyAsync(back, front, end));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A reset stays one: closing without reading the rest sends it.
            front.Client.LingerState = new LingerOption(true, 0);
            back.Client.LingerState = new LingerOption(true, 0);
        }
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to, CancellationToken end)
    {
        await from.GetStream().CopyToAsync(to.GetStream(), end);
        to.Client.Shutdown(SocketShutdown.Send);
    }
}
