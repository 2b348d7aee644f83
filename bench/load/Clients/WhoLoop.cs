using System.Buffers.Text;
using System.Net.Sockets;

namespace Guard.Load.Clients;

/// <summary>
/// Connections that ask the upstream's <c>/who</c> through Guard, one actor after the other, at a steady rate or, where answers are too
/// slow for that, each again as soon as it is answered, until they are stopped. Every answer is kept.
/// </summary>
internal static class WhoLoop
{
    /// <param name="port">On loopback.</param>
    /// <param name="connections">Each has one request under way.</param>
    /// <param name="perSecond">Of all connections together.</param>
    /// <param name="actors">Their ids.</param>
    /// <param name="stop">No new requests once it is cancelled.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<Answer[]> RunAsync(
        int port, int connections, double perSecond, IReadOnlyList<string> actors, CancellationToken stop, CancellationToken cancellationToken)
    {
        var requests = actors.Select(RequestOf).ToArray();
        var began = TimeProvider.System.GetTimestamp();
        var runs = await Task.WhenAll(Enumerable.Range(0, connections).Select(
            i => RunOneAsync(port, requests, i, connections, n => began + (long)(n / perSecond * TimeProvider.System.TimestampFrequency), stop, cancellationToken)));
        return [.. runs.SelectMany(r => r)];
    }

    /// <summary>Asks every actor once.</summary>
    public static async Task<Answer[]> AskAllAsync(int port, IReadOnlyList<string> actors, CancellationToken cancellationToken)
    {
        using var socket = await RawHttp.ConnectAsync(port, cancellationToken);
        var (buffer, answers) = (new byte[4096], new Answer[actors.Count]);
        for (var i = 0; i < actors.Count; i++)
        {
            answers[i] = await AskAsync(socket, RequestOf(actors[i]), i, buffer, cancellationToken);
        }

        return answers;
    }

    private static async Task<List<Answer>> RunOneAsync(
        int port, byte[][] requests, int first, int step, Func<int, long> dueAt, CancellationToken stop, CancellationToken cancellationToken)
    {
        using var socket = await RawHttp.ConnectAsync(port, cancellationToken);
        var (buffer, answers) = (new byte[4096], new List<Answer>());
        for (var n = first; !stop.IsCancellationRequested; n += step)
        {
            var early = TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), dueAt(n));
            if (early > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(early, TimeProvider.System, cancellationToken);
            }

            var actor = n % requests.Length;
            answers.Add(await AskAsync(socket, requests[actor], actor, buffer, cancellationToken));
        }

        return answers;
    }

    private static byte[] RequestOf(string actor) => RawHttp.Get($"/gateway/{actor}/who");

    private static async Task<Answer> AskAsync(Socket socket, byte[] request, int actor, byte[] buffer, CancellationToken cancellationToken)
    {
        var sent = TimeProvider.System.GetTimestamp();
        await socket.SendAsync(request, cancellationToken);
        var filled = await RawHttp.ReceiveAsync(socket, buffer, cancellationToken);
        return Read(buffer.AsSpan(0, filled), actor, sent);
    }

    /// <summary>The body is <c>PORT GENERATION /aNUMBER/who</c>; the number and its segment may be missing.</summary>
    private static Answer Read(ReadOnlySpan<byte> reply, int actor, long sent)
    {
        var took = (float)TimeProvider.System.GetElapsedTime(sent).TotalMicroseconds;
        _ = Utf8Parser.TryParse(reply[9..], out short status, out _);
        var body = reply[(reply.IndexOf("\r\n\r\n"u8) + 4)..];
        var (generation, address) = (0L, 0L);
        if (status == 200)
        {
            body = body[(body.IndexOf((byte)' ') + 1)..];
            _ = Utf8Parser.TryParse(body, out generation, out var digits);
            _ = body[(digits + 1)..].StartsWith("/a"u8) && Utf8Parser.TryParse(body[(digits + 3)..], out address, out _);
        }

        return new(actor, sent, took, status, generation, address);
    }
}
