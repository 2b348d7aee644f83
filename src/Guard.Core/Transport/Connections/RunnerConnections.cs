using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Guard.Core.Options;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// The open connections to runners. They are pooled, and a WebSocket lives on one for days: when <c>Runners:AllowedEndpoints</c> changes,
/// each is judged again, and those that lead where nothing may lead any more are ended, with what is under way on them. Thread-safe.
/// </summary>
internal sealed partial class RunnerConnections
{
    private readonly ConcurrentDictionary<Connection, byte> _open = new();
    private readonly EndpointPolicy _policy;
    private readonly ILogger _logger;

    public RunnerConnections(EndpointPolicy policy, LiveOptions options, ILogger<RunnerConnections> logger)
    {
        (_policy, _logger) = (policy, logger);
        options.Changed += Judge;
    }

    /// <summary>Takes over a connected socket.</summary>
    /// <param name="socket">Owned by the stream returned.</param>
    /// <param name="host">The name or address the URL gave.</param>
    /// <param name="endPoint">What it resolved to.</param>
    /// <exception cref="RunnerUnreachableException">It was allowed when it was resolved and is not any more; the socket is closed.</exception>
    public Stream Track(Socket socket, string host, IPEndPoint endPoint)
    {
        var connection = new Connection(this, socket, host, endPoint);
        _open[connection] = 0;

        // A change that came between the first judgement and this line has not seen it.
        if (!_policy.IsAllowed(host, endPoint.Address, endPoint.Port))
        {
            connection.Dispose();
            throw new RunnerUnreachableException("endpoint address not allowed");
        }

        return connection;
    }

    private void Judge()
    {
        var ended = 0;
        foreach (var (connection, _) in _open)
        {
            if (!_policy.IsAllowed(connection.Host, connection.EndPoint.Address, connection.EndPoint.Port))
            {
                connection.End();
                ended++;
            }
        }

        if (ended > 0)
        {
            LogEnded(ended);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Ended {Count} connections to runners: Runners:AllowedEndpoints does not allow their addresses any more", EventName = "RunnerConnectionsEnded")]
    private partial void LogEnded(int count);

    private sealed class Connection(RunnerConnections owner, Socket socket, string host, IPEndPoint endPoint)
        : NetworkStream(socket, ownsSocket: true)
    {
        public string Host => host;

        public IPEndPoint EndPoint => endPoint;

        /// <summary>Whoever reads or writes finds the connection ended, as if the runner had closed it, and disposes it.</summary>
        public void End()
        {
            try
            {
                Socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has ended by itself.
            }
        }

        protected override void Dispose(bool disposing)
        {
            owner._open.TryRemove(this, out _);
            base.Dispose(disposing);
        }
    }
}
