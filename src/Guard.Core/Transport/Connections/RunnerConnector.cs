using System.Net;
using System.Net.Sockets;
using Guard.Core.Options;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// Opens connections to runners: resolves the name, lets <see cref="EndpointPolicy"/> judge each address, and connects to the first
/// allowed one that answers, within <c>Forwarding:ConnectTimeout</c> in all. Every failure is a <see cref="RunnerUnreachableException"/>.
/// Thread-safe.
/// </summary>
internal sealed class RunnerConnector(EndpointPolicy policy, RunnerConnections connections, LiveOptions options, TimeProvider time)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var limit = options.Current.Forwarding.ConnectTimeout;
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var addresses = await ResolveAsync(host, port, either.Token);
            return await ConnectToFirstAsync(host, addresses, port, limit, either.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The client tells its own timeout from others by the token.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new RunnerUnreachableException("connect timeout");
        }
        catch (SocketException e)
        {
            throw new RunnerUnreachableException(Describe(e), e);
        }
    }

    private static string Describe(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "host name not resolved",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "host unreachable",
        SocketError.TimedOut => "connect timeout",
        _ => "connect failed",
    };

    private async Task<Stream> ConnectOneAsync(string host, IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // A runner that vanished without a word is noticed on idle WebSockets and event streams too, which have no time limit.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 6);
            await socket.ConnectAsync(endPoint, cancellationToken);
            return connections.Track(socket, host, endPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<List<IPAddress>> ResolveAsync(string host, int port, CancellationToken cancellationToken)
    {
        IPAddress[] resolved = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        var allowed = resolved.Where(a => policy.IsAllowed(host, a, port)).ToList();
        return allowed.Count > 0 ? allowed : throw new RunnerUnreachableException("endpoint address not allowed");
    }

    private async Task<Stream> ConnectToFirstAsync(string host, List<IPAddress> addresses, int port, TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var i = 0; ; i++)
        {
            // One address that swallows packets must not use up the time of the others.
            var isLast = i == addresses.Count - 1;
            using var share = new CancellationTokenSource(isLast ? Timeout.InfiniteTimeSpan : limit / addresses.Count, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, share.Token);
            try
            {
                return await ConnectOneAsync(host, new IPEndPoint(addresses[i], port), either.Token);
            }
            catch (Exception e) when (!isLast && !cancellationToken.IsCancellationRequested && e is SocketException or OperationCanceledException)
            {
                // The next address may answer; the last one's failure is the one reported.
            }
        }
    }
}
