using System.Net;
using System.Net.Sockets;

namespace Guard.Baseline;

/// <summary>
/// What proxies forward to: raw sockets and prepared replies, so that it is not what is measured. HTTP/1.1 without pipelining.
/// <c>/tiny</c>, <c>/1k</c>, <c>/64k</c>, <c>/1m</c>; <c>/who</c> says who was asked for what; any other GET is tiny; POST (Guard's start and stop calls) is answered once its body
/// has arrived; a WebSocket handshake is accepted and its messages are sent back.
/// </summary>
internal static class Upstream
{
    public static async Task RunAsync(int port)
    {
        SocketTuning.Apply();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(4096);
        while (true)
        {
            var client = await listener.AcceptAsync();
            client.NoDelay = true;
            _ = ServeAsync(client, port);
        }
    }

    private static async Task ServeAsync(Socket client, int port)
    {
        using var owned = client;
        try
        {
            await ServeRequestsAsync(client, port);
        }
        catch (SocketException)
        {
            // The proxy left.
        }
    }

    private static async Task ServeRequestsAsync(Socket client, int port)
    {
        var buffer = new byte[16 * 1024];
        var filled = 0;
        while (true)
        {
            var count = await client.ReceiveAsync(buffer.AsMemory(filled));
            if (count == 0)
            {
                return;
            }

            filled += count;
            var request = RequestHead.Find(buffer.AsSpan(0, filled));
            if (request.IsWebSocket)
            {
                await client.SendAsync(EchoSocket.Accept(buffer.AsSpan(0, request.Length)));
                await EchoSocket.RunAsync(client, buffer.AsMemory(request.Length, filled - request.Length).ToArray());
                return;
            }

            if (request.Length == 0)
            {
                if (filled == buffer.Length)
                {
                    return;
                }

                continue;
            }

            var reply = Replies.For(port, request, buffer);
            filled = 0;
            for (var rest = reply; rest.Length > 0;)
            {
                rest = rest[await client.SendAsync(rest)..];
            }
        }
    }
}
