using System.Globalization;
using System.Text.RegularExpressions;
using Guard.Load.Processes;

namespace Guard.Load.Clients;

/// <summary>h2load, one thread, HTTP/2 without TLS. Percentiles come from its log of every request.</summary>
internal static partial class H2Load
{
    public static async Task<LoadResult> RunAsync(string url, int connections, int streams, int seconds, CancellationToken cancellationToken)
    {
        var log = Path.GetTempFileName();
        try
        {
            var output = await Tools.RunAsync(
                Tools.Find("h2load"), ["-t1", $"-c{connections}", $"-m{streams}", $"-D{seconds}", $"--log-file={log}", url], cancellationToken);
            var done = Done().Match(output);
            if (!done.Success)
            {
                throw new LoadException($"h2load said nothing of {url}: {output.Trim()}");
            }

            var times = new List<double>();
            await foreach (var line in File.ReadLinesAsync(log, cancellationToken))
            {
                // start, status, time in microseconds
                times.Add(double.Parse(line.AsSpan(line.LastIndexOf('\t') + 1), CultureInfo.InvariantCulture));
            }

            times.Sort();
            var succeeded = long.Parse(done.Groups[1].Value, CultureInfo.InvariantCulture);
            var bad = long.Parse(done.Groups[2].Value, CultureInfo.InvariantCulture) + long.Parse(done.Groups[3].Value, CultureInfo.InvariantCulture);
            return new(succeeded, seconds, Reports.Statistics.Percentile(times, .5), Reports.Statistics.Percentile(times, .99), Reports.Statistics.Percentile(times, .999), bad);
        }
        finally
        {
            File.Delete(log);
        }
    }

    [GeneratedRegex(@"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored")]
    private static partial Regex Done();
}
