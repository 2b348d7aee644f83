using System.Collections.Concurrent;
using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Processes;
using Guard.Load.Proxies;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>Actors nobody has asked for yet, through Redis: a burst that wakes thousands, then new keys as fast as they are made.</summary>
internal static class ColdCommand
{
    private const string Pool = "cold";

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var actors = options.Number("actors", 5000, 1, 100_000);
        var connections = options.Number("connections", 1000, 1, 5000);
        var seconds = options.Number("seconds", 10, 1, 60);
        var output = options.Text("out");
        options.End();
        var report = new Report(
            "Cold actors",
            string.Create(CultureInfo.InvariantCulture, $"cold --actors {actors} --connections {connections} --seconds {seconds}"),
            GuardProcess.RaisedLimits);
        var upstream = await Upstream.StartAsync(cancellationToken);
        var redis = await RedisProcess.StartAsync(cancellationToken);
        var guard = await GuardProcess.StartAsync("guard", Repository.Guard, redis, null, cancellationToken);
        await guard.Control.PutPoolAsync(Pool, cancellationToken);
        await guard.Control.PutRunnerAsync(Pool, upstream.Url, 1_000_000, cancellationToken);
        var rows = new List<string[]>();

        var ids = new ConcurrentQueue<string>(await Task.WhenAll(Enumerable.Range(0, actors + 500)
            .Select(i => guard.Control.PutActorAsync(Pool, "room", $"burst-{i}", cancellationToken))));
        var warm = new ConcurrentQueue<string>(Enumerable.Range(0, 500).Select(_ => ids.TryDequeue(out var id) ? id : ""));
        await ClosedLoop.RunAsync(guard.GatewayPort, 50, TimeSpan.FromMinutes(1), () => PathOf(warm), cancellationToken);
        rows.Add(Row("wake, one request each", await MeasureAsync(guard, redis, connections, TimeSpan.FromMinutes(1), () => PathOf(ids), cancellationToken)));

        var key = 0;
        rows.Add(Row("getOrCreate of a new key", await MeasureAsync(
            guard, redis, 64, TimeSpan.FromSeconds(seconds),
            () => string.Create(CultureInfo.InvariantCulture, $"/gateway/room/?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool={Pool}&rvt-key=new-{Interlocked.Increment(ref key)}"),
            cancellationToken)));
        report.Table(["", "actors", "connections", "per second", "p50 to the answer", "p99", "CPU of Guard each", "store commands each"], rows);
        report.Save(output);
    }

    private static string? PathOf(ConcurrentQueue<string> ids) => ids.TryDequeue(out var id) ? $"/gateway/{id}/" : null;

    private static async Task<(LoadResult Load, int Connections, double Cpu, double Commands)> MeasureAsync(
        GuardProcess guard, RedisProcess redis, int connections, TimeSpan limit, Func<string?> next, CancellationToken cancellationToken)
    {
        var (cpu, commands) = (guard.Child.CpuTime, await redis.CommandsAsync(cancellationToken));
        var load = await ClosedLoop.RunAsync(guard.GatewayPort, connections, limit, next, cancellationToken);
        if (load.Failures > 0)
        {
            throw new LoadException($"{load.Failures} of {load.Requests} requests were not answered 200");
        }

        return (load, connections, (guard.Child.CpuTime - cpu).TotalMicroseconds / load.Requests, (await redis.CommandsAsync(cancellationToken) - commands) / (double)load.Requests);
    }

    private static string[] Row(string name, (LoadResult Load, int Connections, double Cpu, double Commands) m) =>
    [
        name, Report.Number(m.Load.Requests, "0"), Report.Number(m.Connections, "0"), Report.Number(m.Load.PerSecond, "0"), Report.Time(m.Load.P50), Report.Time(m.Load.P99),
        $"{Report.Number(m.Cpu, "0")} µs", Report.Number(m.Commands),
    ];
}
