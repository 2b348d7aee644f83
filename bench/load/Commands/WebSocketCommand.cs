using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Proxies;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>Messages that are sent back, as fast as each connection can, then thousands of connections on which nothing happens.</summary>
internal static class WebSocketCommand
{
    private static readonly string[] Baselines = ["yarp", "yarp-tuned"];

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var proxies = options.List("proxies", "guard,yarp,yarp-tuned,haproxy,nginx,direct");
        var connections = options.Numbers("connections", "64", 1, 512);
        var rounds = options.Number("rounds", 5, 1, 50);
        var seconds = options.Number("seconds", 4, 1, 60);
        var warmup = options.Number("warmup", 20, 1, 300);
        var idle = options.Number("idle", 9500, 0, 50_000);
        var output = options.Text("out");
        options.End();
        var report = new Report(
            "WebSocket", string.Create(CultureInfo.InvariantCulture, $"websocket --connections {string.Join(',', connections)} --rounds {rounds} --seconds {seconds} --idle {idle}"),
            GuardProcess.RaisedLimits);
        var start = new Subjects(await Upstream.StartAsync(cancellationToken), cancellationToken);
        var subjects = new List<Subject>();
        foreach (var name in proxies)
        {
            subjects.Add(await start.StartAsync(name));
        }

        foreach (var subject in subjects)
        {
            await EchoAsync(subject, connections[0], warmup, cancellationToken);
        }

        foreach (var count in connections)
        {
            await CompareAsync(report, subjects, count, rounds, seconds, cancellationToken);
        }

        if (idle > 0)
        {
            await IdleAsync(report, subjects, idle, cancellationToken);
        }

        report.Save(output);
    }

    private static async Task CompareAsync(Report report, List<Subject> subjects, int connections, int rounds, int seconds, CancellationToken cancellationToken)
    {
        var samples = subjects.ToDictionary(s => s.Name, _ => new List<Sample>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var subject in subjects)
            {
                samples[subject.Name].Add(await EchoAsync(subject, connections, seconds, cancellationToken));
            }
        }

        report.Line($"**Messages of 100 bytes sent back, {connections} connections**");
        report.Line();
        var baselines = Baselines.Where(samples.ContainsKey).ToArray();
        report.Table(
            ["", "messages/s", .. baselines.Select(b => $"÷ {b}"), "CPU per message", "p50", "p99"],
            subjects.Select(subject =>
            {
                var own = samples[subject.Name];
                return new List<string>(
                [
                    subject.Name,
                    Report.Number(Statistics.Median(own.Select(s => s.PerSecond)), "0"),
                    .. baselines.Select(b => Report.Ratio(Statistics.Ratio(own.Select(s => s.PerSecond), samples[b].Select(s => s.PerSecond)))),
                    $"{Report.Number(Statistics.Median(own.Select(s => s.Cpu)))} µs",
                    Report.Time(Statistics.Median(own.Select(s => s.P50))),
                    Report.Time(Statistics.Median(own.Select(s => s.P99))),
                ]);
            }));
    }

    private static async Task<Sample> EchoAsync(Subject subject, int connections, int seconds, CancellationToken cancellationToken)
    {
        var sockets = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => RawWebSocket.ConnectAsync(subject.Port, subject.Prefix + "/ws", cancellationToken)));
        try
        {
            var (cpu, began) = (subject.Process.CpuTime, TimeProvider.System.GetTimestamp());
            var times = (await Task.WhenAll(sockets.Select(s => EchoAsync(s, began, TimeSpan.FromSeconds(seconds), cancellationToken)))).SelectMany(t => t).Order().ToArray();
            var elapsed = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
            return new Sample(
                times.Length / elapsed, (subject.Process.CpuTime - cpu).TotalMicroseconds / times.Length, Statistics.Percentile(times, .5), Statistics.Percentile(times, .99));
        }
        finally
        {
            Array.ForEach(sockets, s => s.Dispose());
        }
    }

    private static async Task<List<double>> EchoAsync(RawWebSocket socket, long began, TimeSpan limit, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var now = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(began, now) < limit;)
        {
            await socket.EchoAsync(cancellationToken);
            var next = TimeProvider.System.GetTimestamp();
            times.Add(TimeProvider.System.GetElapsedTime(now, next).TotalMicroseconds);
            now = next;
        }

        return times;
    }

    private static async Task IdleAsync(Report report, List<Subject> subjects, int idle, CancellationToken cancellationToken)
    {
        var rows = new List<string[]>();
        foreach (var subject in subjects.Where(s => s.Name.StartsWith("guard", StringComparison.Ordinal) || Baselines.Contains(s.Name)))
        {
            var before = subject.Process.Resident;
            var sockets = new RawWebSocket[idle];
            try
            {
                await Parallel.ForEachAsync(Enumerable.Range(0, idle), new ParallelOptions { MaxDegreeOfParallelism = 128, CancellationToken = cancellationToken }, async (i, ct) =>
                {
                    sockets[i] = await RawWebSocket.ConnectAsync(subject.Port, subject.Prefix + "/ws", ct);
                    await sockets[i].EchoAsync(ct);
                });
                await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellationToken);
                var bytes = subject.Process.Resident - before;
                var cpu = subject.Process.CpuTime;
                await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellationToken);
                rows.Add([subject.Name, Report.Number(idle, "0"), Report.KiB(bytes / (double)idle), $"{Report.Number(100 * (subject.Process.CpuTime - cpu).TotalSeconds / 5)} % of a core"]);
            }
            finally
            {
                Array.ForEach(sockets, s => s?.Dispose());
            }
        }

        report.Line("**Idle, one message each behind them**");
        report.Line();
        report.Table(["", "connections", "memory each", "CPU"], rows);
    }

    private sealed record Sample(double PerSecond, double Cpu, double P50, double P99);
}
