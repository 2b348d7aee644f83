namespace Guard.Core.Transport.WebSockets;

/// <summary>The WebSockets forwarded now, and how they are closed when this Guard ends. Thread-safe.</summary>
internal sealed class OpenWebSockets(TimeProvider time)
{
    /// <summary>Between two rounds of closing. With one at least in each, few are closed within the second.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(50);

    /// <summary>Of the window, over which closings are spread: clients that all came back at once would be a burden for whoever takes
    /// them over. The rest of it is for the last ones' answers.</summary>
    private const double Spread = 0.7;

    private readonly Lock _gate = new();
    private readonly HashSet<WebSocketDuplex> _open = [];
    private CancellationToken? _closing;

    public void Add(WebSocketDuplex socket)
    {
        CancellationToken? closing;
        lock (_gate)
        {
            _open.Add(socket);
            closing = _closing;
        }

        if (closing is { } limit)
        {
            // Its handshake was under way.
            _ = socket.CloseAsync(limit);
        }
    }

    public void Remove(WebSocketDuplex socket)
    {
        lock (_gate)
        {
            _open.Remove(socket);
        }
    }

    /// <summary>Closes all with 1001, paced over the greater part of <paramref name="window"/>, and from now on each that opens. Ends when
    /// those that were open have ended; never throws.</summary>
    public async Task CloseAllAsync(TimeSpan window, CancellationToken limit)
    {
        WebSocketDuplex[] open;
        lock (_gate)
        {
            _closing = limit;
            open = [.. _open];
        }

        var rounds = Math.Max(1, (int)(window * Spread / Round));
        var perRound = Math.Max(1, (open.Length + rounds - 1) / rounds);
        var closings = new List<Task>(open.Length);
        foreach (var round in open.Chunk(perRound))
        {
            if (closings.Count > 0)
            {
                // At the limit the rest is told at once, for what it is worth.
                await Task.Delay(Round, time, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            closings.AddRange(round.Select(socket => socket.CloseAsync(limit)));
        }

        await Task.WhenAll(closings);
    }
}
