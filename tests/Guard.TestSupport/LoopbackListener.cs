using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Guard.TestSupport;

/// <summary>Accepts connections on a loopback port until it is disposed of. Thread-safe.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Connections may look at the token after the end; the source holds nothing")]
internal sealed class LoopbackListener : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    /// <param name="accepted">Called for each connection, one after the other; the connection is its own from then on. Gets a token that
    /// fires when the listener ends. Must not throw.</param>
    /// <param name="port">0 takes any.</param>
    /// <param name="backlog">Connections that may wait to be accepted.</param>
    public LoopbackListener(Action<Socket, CancellationToken> accepted, int port = 0, int backlog = int.MaxValue)
    {
        _listener = new(IPAddress.Loopback, port);
        _listener.Start(backlog);
        _accepting = AcceptAsync(accepted);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Refuses connections from now on; nobody is told of one after this. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        // In this order: a socket that was closed before the loop looks at it again is another failure each time.
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
    }

    private async Task AcceptAsync(Action<Socket, CancellationToken> accepted)
    {
        try
        {
            while (true)
            {
                accepted(await _listener.AcceptSocketAsync(_stop.Token), _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }
}
