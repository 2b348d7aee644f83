using System.Globalization;
using System.Net;
using Guard.Load.Clients;
using Guard.Load.Processes;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>Load against a deployment of the user's own: starts nothing, raises nothing, stops after the time asked for.</summary>
internal static class TargetCommand
{
    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var text = options.Text("url") ?? throw new LoadException("--url is missing: the URL of a request an actor answers, such as http://127.0.0.1:6420/gateway/ACTOR/");
        var h2 = options.Text("protocol", "h1") == "h2";
        var connections = options.Numbers("connections", "64", 1, 1024);
        var streams = options.Number("streams", 10, 1, 100);
        var rounds = options.Number("rounds", 3, 1, 20);
        var seconds = options.Number("seconds", 5, 1, 60);
        var pid = options.Number("pid", 0, 0, int.MaxValue);
        var remote = options.Flag("remote");
        var output = options.Text("out");
        options.End();
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new LoadException("--url takes an http or https URL");
        }

        if (!remote && !(IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) ? IPAddress.IsLoopback(address) : url.IsLoopback))
        {
            throw new LoadException($"{url.Host} is not this machine; say --remote when it is yours and may be loaded");
        }

        var report = new Report(
            "Target",
            string.Create(CultureInfo.InvariantCulture, $"target --url {url} --protocol {(h2 ? "h2" : "h1")} --connections {string.Join(',', connections)} --rounds {rounds} --seconds {seconds}"),
            "No limit raised: `Limits:RequestsPerClient` and `ConcurrentPerClient` of the target count this machine as one client.");
        var rows = new List<string[]>();
        foreach (var count in connections)
        {
            var results = new List<(LoadResult Load, double Cpu)>();
            for (var round = 0; round < rounds; round++)
            {
                var cpu = pid > 0 ? ProcFile.CpuTime(pid) : default;
                var load = h2
                    ? await H2Load.RunAsync(text, count, streams, seconds, cancellationToken)
                    : await Wrk.RunAsync(text, count, seconds, cancellationToken);
                results.Add((load, pid > 0 ? (ProcFile.CpuTime(pid) - cpu).TotalMicroseconds / load.Requests : double.NaN));
            }

            rows.Add([
                Report.Number(count, "0"),
                Report.Number(Statistics.Median(results.Select(r => r.Load.PerSecond)), "0"),
                Report.Time(Statistics.Median(results.Select(r => r.Load.P50))),
                Report.Time(Statistics.Median(results.Select(r => r.Load.P99))),
                Report.Time(Statistics.Median(results.Select(r => r.Load.P999))),
                Report.Number(results.Sum(r => r.Load.Failures), "0"),
                pid > 0 ? $"{Report.Number(Statistics.Median(results.Select(r => r.Cpu)))} µs" : "",
            ]);
        }

        report.Table(["connections", "requests/s", "p50", "p99", "p99.9", "failed", "CPU per request"], rows);
        report.Save(output);
    }
}
