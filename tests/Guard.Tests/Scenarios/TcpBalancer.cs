using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Guard.Tests.Support;

namespace Guard.Tests.Scenarios;

/// <summary>
/// A plain TCP balancer: each new connection goes to the next backend whose <c>/readyz</c> said yes when last asked; bytes and ends pass
/// as they come. Thread-safe.
/// </summary>
internal sealed class TcpBalancer : IAsyncDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(50);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<GuardProcess, bool> _backends = new();
    private readonly Task[] _loops;
    private int _next;

    public TcpBalancer(params GuardProcess[] backends)
    {
        Array.ForEach(backends, Add);
        _listener.Start();
        _loops = [AcceptAsync(), CheckAsync()];
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Takes a backend in that is ready.</summary>
    public void Add(GuardProcess backend) => _backends[backend] = true;

    public void Remove(GuardProcess backend) => _backends.TryRemove(backend, out _);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_loops);
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

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var front = client;
        using var back = new TcpClient { NoDelay = true };
        front.NoDelay = true;
        try
        {
            var ready = _backends.Where(b => b.Value).Select(b => b.Key).OrderBy(b => b.Pid).ToArray();
            var backend = ready[Interlocked.Increment(ref _next) % ready.Length];
            await back.ConnectAsync(IPAddress.Loopback, backend.Gateway.Port, _stop.Token);
            await Task.WhenAll(CopyAsync(front, back), CopyAsync(back, front));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A reset stays one: closing without reading the rest sends it.
            front.Client.LingerState = new LingerOption(true, 0);
            back.Client.LingerState = new LingerOption(true, 0);
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        await from.GetStream().CopyToAsync(to.GetStream(), _stop.Token);
        to.Client.Shutdown(SocketShutdown.Send);
    }
}
