using System.Globalization;
using Guard.Load.Processes;

namespace Guard.Load.Clients;

/// <summary>wrk, one thread, HTTP/1.1 with keep-alive.</summary>
internal static class Wrk
{
    public static async Task<LoadResult> RunAsync(string url, int connections, int seconds, CancellationToken cancellationToken)
    {
        var output = await Tools.RunAsync(
            Tools.Find("wrk"),
            ["-t1", $"-c{connections}", $"-d{seconds}s", "--timeout", "10s", "-s", Path.Combine(AppContext.BaseDirectory, "percentiles.lua"), url],
            cancellationToken);
        var line = output.Split('\n').FirstOrDefault(l => l.StartsWith("guard-load ", StringComparison.Ordinal))
            ?? throw new LoadException($"wrk said nothing of {url}: {output.Trim()}");
        var fields = line.Split(' ').Skip(1).Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return new(fields[0], fields[1] / 1e6, fields[2], fields[3], fields[4], fields[5]);
    }
}
