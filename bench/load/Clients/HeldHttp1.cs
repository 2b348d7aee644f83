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
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {pathOf(i)} HTTP/1.1\r\nHost: load.test\r\n\r\n"), ct);
            _ = ReadAsync(socket, wanted);
        });
    }

    private async Task ReadAsync(Socket socket, byte[] wanted)
    {
        var buffer = new byte[2048];
        var filled = 0;
        try
        {
            do
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(filled));
                if (count == 0)
                {
                    Broke(new LoadException($"a connection was closed without an answer, after {Answered} answers"));
                    return;
                }

                filled += count;
            }
            while (!HttpReply.IsWhole(buffer.AsSpan(0, filled)) && filled < buffer.Length);

            OneAnswered(buffer.AsSpan(0, filled).IndexOf(wanted) >= 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Broke(new LoadException($"a connection broke after {Answered} answers: {e.Message}"));
        }
    }
}
