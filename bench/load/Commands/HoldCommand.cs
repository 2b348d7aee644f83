using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Processes;
using Guard.Load.Proxies;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>
/// Requests held by the thousand and ended at once: what each costs while it waits, and how long the last of them waits for the news.
/// Guard holds them for actors of a pool without runners and ends them with the pool's error; a bare Kestrel application that parks and
/// releases as many is the yardstick, in the same run. Each round has processes of its own, warmed with a few hundred requests.
/// </summary>
internal static class HoldCommand
{
    private const int WarmRequests = 500;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var counts = options.Numbers("requests", "10000", 1, 100_000);
        var h2 = options.Text("protocol", "h1") == "h2";
        var streams = options.Number("streams", 100, 1, 100);
        var actors = options.Number("actors", 100, 1, 10_000);
        var rounds = options.Number("rounds", 3, 1, 20);
        var seconds = options.Number("seconds", 10, 1, 60);
        var output = options.Text("out");
        var native = options.Flag("aot");
        options.End();
        if (!h2 && counts.Max() > 25_000)
        {
            throw new LoadException("--requests of more than 25000 need --protocol h2: a connection each would use up the ports of one address");
        }

        var report = new Report(
            $"Held and failed, {(h2 ? $"HTTP/2, {streams} streams per connection" : "HTTP/1.1, a connection each")}",
            string.Create(CultureInfo.InvariantCulture, $"hold --protocol {(h2 ? "h2" : "h1")} --requests {string.Join(',', counts)} --actors {actors} --rounds {rounds} --seconds {seconds}"),
            GuardProcess.RaisedLimits);
        var rows = new List<string[]>();
        foreach (var count in counts)
        {
            var (bare, guard) = (new List<HoldSample>(), new List<HoldSample>());
            for (var round = 0; round < rounds; round++)
            {
                bare.Add(await ParkAsync(count, h2 ? streams : 0, seconds, cancellationToken));
                guard.Add(await GuardAsync(native, count, h2 ? streams : 0, actors, seconds, cancellationToken));
            }

            rows.Add(Row("bare Kestrel", count, bare, bare));
            rows.Add(Row(native ? "Guard, native" : "Guard", count, guard, bare));
        }

        report.Table(["", "held", "memory each", "÷ bare", "CPU while holding", "store commands/s", "released p50", "p99", "last", "p99 ÷ bare"], rows);
        report.Save(output);
    }

    private static string[] Row(string name, int count, List<HoldSample> own, List<HoldSample> bare) =>
    [
        name,
        count.ToString(CultureInfo.InvariantCulture),
        Report.KiB(Statistics.Median(own.Select(s => s.BytesEach))),
        Report.Ratio(Statistics.Ratio(own.Select(s => s.BytesEach), bare.Select(s => s.BytesEach))),
        $"{Report.Number(100 * Statistics.Median(own.Select(s => s.Cores)))} % of a core",
        double.IsNaN(own[0].StoreCommands) ? "" : Report.Number(Statistics.Median(own.Select(s => s.StoreCommands)), "0"),
        Report.Time(Statistics.Median(own.Select(s => s.P50))),
        Report.Time(Statistics.Median(own.Select(s => s.P99))),
        Report.Time(Statistics.Median(own.Select(s => s.Last))),
        Report.Ratio(Statistics.Ratio(own.Select(s => s.P99), bare.Select(s => s.P99))),
    ];

    private static async Task<HoldSample> ParkAsync(int count, int streams, int seconds, CancellationToken cancellationToken)
    {
        var (port, h2Port) = (Ports.Free(), Ports.Free());
        using var child = Child.Start("park", Cores.Proxy,
            [.. Repository.Baseline, "park", "--port", Text(port), "--h2c-port", Text(h2Port)], Tuning.Jit);
        await Ports.WaitAsync(port, child, cancellationToken);
        await Ports.WaitAsync(h2Port, child, cancellationToken);
        using var http = new HttpClient { BaseAddress = new UriBuilder("http", "127.0.0.1", port).Uri };
        return await MeasureAsync(child, streams > 0 ? h2Port : port, count, streams, seconds, new Steps(
            (_, _) => "/",
            "xxxx",
            async (_, expected) =>
            {
                while (int.Parse(await http.GetStringAsync("held", cancellationToken), CultureInfo.InvariantCulture) < expected)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
                }
            },
            async _ => (await http.PostAsync("release", null, cancellationToken)).Dispose(),
            null), cancellationToken);
    }

    private static async Task<HoldSample> GuardAsync(
        bool native, int count, int streams, int actors, int seconds, CancellationToken cancellationToken)
    {
        var redis = await RedisProcess.StartAsync(cancellationToken);
        using var store = redis.Process;
        var build = native ? Repository.NativeGuard ?? throw new LoadException("publish the native binary first: tests/aot/smoke.sh") : Repository.Guard;
        var guard = await GuardProcess.StartAsync("guard", build, redis, null, cancellationToken);
        using var child = guard.Child;
        var paths = new Dictionary<string, string[]>();
        foreach (var pool in Steps.Pools)
        {
            await guard.Control.PutPoolAsync(pool, cancellationToken);
            var ids = await Task.WhenAll(Enumerable.Range(0, actors).Select(i => guard.Control.PutActorAsync(pool, "room", $"{pool}-{i}", cancellationToken)));
            paths[pool] = [.. ids.Select(id => $"/gateway/{id}/")];
        }

        return await MeasureAsync(child, streams > 0 ? guard.H2Port : guard.GatewayPort, count, streams, seconds, new Steps(
            (pool, i) => paths[pool][i % actors],
            "actor_runner_failed",
            (_, expected) => guard.Control.WaitUntilHeldAsync(expected, cancellationToken),
            pool => guard.Control.ReportPoolErrorAsync(pool, cancellationToken),
            redis), cancellationToken);
    }

    private static async Task<HoldSample> MeasureAsync(
        Child child, int port, int count, int streams, int seconds, Steps steps, CancellationToken cancellationToken)
    {
        foreach (var pool in Steps.WarmPools)
        {
            using var warm = await HoldAsync(port, WarmRequests, streams, pool, steps, cancellationToken);
            await Task.Delay(Settle, TimeProvider.System, cancellationToken);
            await steps.Release(pool);
            await warm.AllAnswered.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, cancellationToken);
        }

        await Task.Delay(Settle, TimeProvider.System, cancellationToken);
        var before = child.Resident;
        using var held = await HoldAsync(port, count, streams, Steps.Pool, steps, cancellationToken);
        await Task.Delay(Settle, TimeProvider.System, cancellationToken);
        var bytes = child.Resident - before;

        var (cpu, since) = (child.CpuTime, TimeProvider.System.GetTimestamp());
        var commands = steps.Redis is null ? 0 : await steps.Redis.CommandsAsync(cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellationToken);
        var elapsed = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        var cores = (child.CpuTime - cpu).TotalSeconds / elapsed;
        var perSecond = steps.Redis is null ? double.NaN : (await steps.Redis.CommandsAsync(cancellationToken) - commands) / elapsed;

        var began = TimeProvider.System.GetTimestamp();
        await steps.Release(Steps.Pool);
        await held.AllAnswered.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, cancellationToken);
        var times = held.TimesSince(began);
        return held.Unexpected > 0
            ? throw new LoadException($"{child.Name}: {held.Unexpected} of {count} answers are not the expected ones")
            : new HoldSample(bytes / (double)count, cores, perSecond, Statistics.Percentile(times, .5), Statistics.Percentile(times, .99), times[^1]);
    }

    private static async Task<HeldRequests> HoldAsync(int port, int count, int streams, string pool, Steps steps, CancellationToken cancellationToken)
    {
        HeldRequests held = streams > 0 ? new HeldHttp2(count, streams) : new HeldHttp1(count);
        await held.SendAsync(port, i => steps.PathOf(pool, i), steps.Expected, cancellationToken);

        // A request that was refused is never held: its own failure says more than that not all are.
        var all = steps.WaitUntilHeld(pool, count);
        await await Task.WhenAny(all, held.AllAnswered);
        return all.IsCompleted ? held : throw new LoadException($"all of {count} requests were answered instead of held, {held.Unexpected} of them with what was not expected");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>What differs between the two: how requests are made, counted and released.</summary>
    private sealed record Steps(
        Func<string, int, string> PathOf, string Expected, Func<string, int, Task> WaitUntilHeld, Func<string, Task> Release, RedisProcess? Redis)
    {
        public const string Pool = "hold";
        public static readonly string[] WarmPools = ["warm-1", "warm-2", "warm-3"];
        public static readonly string[] Pools = [.. WarmPools, Pool];
    }

    private sealed record HoldSample(double BytesEach, double Cores, double StoreCommands, double P50, double P99, double Last);
}
