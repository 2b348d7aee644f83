using Guard.Load.Reports;

namespace Guard.Load.Clients;

/// <summary>Connections that each ask again as soon as they are answered, every time for something else: what wrk cannot do cheaply.</summary>
internal static class ClosedLoop
{
    /// <param name="port">On loopback.</param>
    /// <param name="connections">Each has one request under way.</param>
    /// <param name="limit">No new requests after this.</param>
    /// <param name="next">Path and query of the next request; null when there is none left.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<LoadResult> RunAsync(int port, int connections, TimeSpan limit, Func<string?> next, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var runs = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => RunOneAsync(port, began, limit, next, cancellationToken)));
        var elapsed = TimeProvider.System.GetElapsedTime(began);
        var times = runs.SelectMany(r => r.Times).Order().ToArray();
        return new(times.Length, elapsed.TotalSeconds, Statistics.Percentile(times, .5), Statistics.Percentile(times, .99), Statistics.Percentile(times, .999), runs.Sum(r => r.Failures));
    }

    private static async Task<(List<double> Times, int Failures)> RunOneAsync(
        int port, long began, TimeSpan limit, Func<string?> next, CancellationToken cancellationToken)
    {
        using var socket = await RawHttp.ConnectAsync(port, cancellationToken);
        var (times, failures) = (new List<double>(), 0);
        var buffer = new byte[4096];
        while (TimeProvider.System.GetElapsedTime(began) < limit && next() is { } path)
        {
            var since = TimeProvider.System.GetTimestamp();
            await socket.SendAsync(RawHttp.Get(path), cancellationToken);
            await RawHttp.ReceiveAsync(socket, buffer, cancellationToken);
            times.Add(TimeProvider.System.GetElapsedTime(since).TotalMicroseconds);
            failures += buffer.AsSpan(9, 3).SequenceEqual("200"u8) ? 0 : 1;
        }

        return (times, failures);
    }
}
