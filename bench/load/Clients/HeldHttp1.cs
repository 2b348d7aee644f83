using System.Net.Sockets;
using System.Text;

namespace Guard.Load.Clients;

/// <summary>One connection per request, HTTP/1.1.</summary>
internal sealed class HeldHttp1(int requests) : HeldRequests(requests)
{
    // So many connects under way: a listener's backlog is finite.
    private const int Connecting = 256;

    /// <inheritdoc/>
    public override Task SendAsync(int port, Func<int, string> pathOf, string expected, CancellationToken cancellationToken)
    {
        var wanted = Encoding.ASCII.GetBytes(expected);
        return Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = Connecting, CancellationToken = cancellationToken }, async (i, ct) =>
        {
            var socket = await ConnectAsync(port, ct);
            await socket.SendAsync(RawHttp.Get(pathOf(i)), ct);
            _ = ReadAsync(socket, wanted);
        });
    }

    private async Task ReadAsync(Socket socket, byte[] wanted)
    {
        var buffer = new byte[2048];
        try
        {
            var filled = await RawHttp.ReceiveAsync(socket, buffer, CancellationToken.None);
            OneAnswered(buffer.AsSpan(0, filled).IndexOf(wanted) >= 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or LoadException)
        {
            Broke(new LoadException($"a connection broke after {Answered} answers: {e.Message}"));
        }
    }
}
