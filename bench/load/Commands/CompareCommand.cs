using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Proxies;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>
/// The same requests through each proxy in turn, in rounds: CPU time per request beside throughput and latency. Medians over the rounds;
/// ratios are medians of the ratios within each round.
/// </summary>
internal static class CompareCommand
{
    private static readonly string[] Baselines = ["yarp", "yarp-tuned", "haproxy"];

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var proxies = options.List("proxies", "guard,yarp,yarp-tuned,haproxy,nginx,reply,direct");
        var variants = options.Text("variants", "").Split(';', StringSplitOptions.RemoveEmptyEntries);
        var paths = options.List("sizes", "tiny").Select(size => $"/{size}").ToArray();
        var connections = options.Numbers("connections", "64", 1, 1024);
        var h2 = options.Text("protocol", "h1") == "h2";
        var streams = options.Number("streams", 10, 1, 100);
        var rounds = options.Number("rounds", 5, 1, 50);
        var seconds = options.Number("seconds", 4, 1, 60);
        var warmup = options.Number("warmup", 40, 1, 300);
        var output = options.Text("out");
        var command = $"compare --protocol {(h2 ? $"h2 --streams {streams}" : "h1")} --sizes {string.Join(',', paths.Select(p => p[1..]))} "
            + $"--connections {string.Join(',', connections)} --rounds {rounds} --seconds {seconds} --warmup {warmup}";
        options.End();

        var subjects = await StartAsync(proxies, variants, h2, cancellationToken);
        var report = new Report(h2 ? "Comparison, HTTP/2 without TLS" : "Comparison, HTTP/1.1", command, GuardProcess.RaisedLimits);
        foreach (var subject in subjects)
        {
            // The JIT needs tens of seconds of load to compile what is hot for good.
            await OnceAsync(subject, paths[0], Math.Max(16, connections[0]), streams, warmup, h2, cancellationToken);
        }

        foreach (var path in paths)
        {
            foreach (var count in connections)
            {
                var samples = subjects.ToDictionary(s => s.Name, _ => new List<Sample>());
                for (var round = 0; round < rounds; round++)
                {
                    foreach (var subject in subjects)
                    {
                        samples[subject.Name].Add(await OnceAsync(subject, path, count, streams, seconds, h2, cancellationToken));
                    }
                }

                report.Line($"**{path[1..]} replies, {count} connection{(count == 1 ? "" : "s")}{(h2 ? $" of {streams} streams" : "")}**");
                report.Line();
                Write(report, subjects, samples);
            }
        }

        report.Save(output);
    }

    private static async Task<List<Subject>> StartAsync(string[] proxies, string[] variants, bool h2, CancellationToken cancellationToken)
    {
        var start = new Subjects(await Upstream.StartAsync(cancellationToken), cancellationToken);
        var subjects = new List<Subject>();
        foreach (var name in proxies)
        {
            subjects.Add(await start.StartAsync(name));
        }

        foreach (var variant in variants)
        {
            subjects.Add(await start.StartVariantAsync(variant));
        }

        return [.. subjects.Where(s => !h2 || s.H2Port is not null)];
    }

    private static async Task<Sample> OnceAsync(
        Subject subject, string path, int connections, int streams, int seconds, bool h2, CancellationToken cancellationToken)
    {
        var before = subject.Process.CpuTime;
        var load = h2
            ? await H2Load.RunAsync(subject.Url(path, h2), connections, streams, seconds, cancellationToken)
            : await Wrk.RunAsync(subject.Url(path, h2), connections, seconds, cancellationToken);
        var used = subject.Process.CpuTime - before;
        return load.Failures > load.Requests / 1000
            ? throw new LoadException($"{subject.Name}: {load.Failures} of {load.Requests} requests failed; {subject.Process.LastWords()}")
            : new Sample(load, used.TotalMicroseconds / load.Requests);
    }

    private static void Write(Report report, List<Subject> subjects, Dictionary<string, List<Sample>> samples)
    {
        var baselines = Baselines.Where(samples.ContainsKey).ToArray();
        report.Table(
            ["", "CPU per request", .. baselines.Select(b => $"÷ {b}"), "requests/s", "p50", "p99", "p99.9", "resident"],
            subjects.Select(subject =>
            {
                var own = samples[subject.Name];
                return new List<string>(
                [
                    subject.Name,
                    $"{Report.Number(Statistics.Median(own.Select(s => s.Cpu)))} µs",
                    .. baselines.Select(b => Report.Ratio(Statistics.Ratio(own.Select(s => s.Cpu), samples[b].Select(s => s.Cpu)))),
                    Report.Number(Statistics.Median(own.Select(s => s.Load.PerSecond)), "0"),
                    Report.Time(Statistics.Median(own.Select(s => s.Load.P50))),
                    Report.Time(Statistics.Median(own.Select(s => s.Load.P99))),
                    Report.Time(Statistics.Median(own.Select(s => s.Load.P999))),
                    Report.MiB(subject.Process.Resident),
                ]);
            }));
    }

    private sealed record Sample(LoadResult Load, double Cpu);
}
