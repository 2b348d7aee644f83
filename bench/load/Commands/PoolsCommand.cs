using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Processes;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>Thousands of pools watched at once, because one request waits in each; then some of them fail.</summary>
internal static class PoolsCommand
{
    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var pools = options.Number("pools", 10_000, 1, 25_000);
        var red = options.Number("red", 100, 1, pools);
        var seconds = options.Number("seconds", 10, 1, 60);
        var output = options.Text("out");
        options.End();
        var report = new Report("Pools watched", string.Create(CultureInfo.InvariantCulture, $"pools --pools {pools} --red {red} --seconds {seconds}"), GuardProcess.RaisedLimits);
        var redis = await RedisProcess.StartAsync(cancellationToken);
        var guard = await GuardProcess.StartAsync("guard", Repository.Guard, redis, null, cancellationToken);
        var paths = new string[pools];
        await Parallel.ForEachAsync(Enumerable.Range(0, pools), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = cancellationToken }, async (i, ct) =>
        {
            await guard.Control.PutPoolAsync(PoolOf(i), ct);
            paths[i] = $"/gateway/{await guard.Control.PutActorAsync(PoolOf(i), "room", PoolOf(i), ct).ConfigureAwait(false)}/";
        });

        var before = guard.Child.Resident;
        using var held = new HeldHttp1(pools);
        await held.SendAsync(guard.GatewayPort, i => paths[i], "actor_runner_failed", cancellationToken);
        await guard.Control.WaitUntilHeldAsync(pools, cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellationToken);
        var bytes = guard.Child.Resident - before;
        var (cpu, commands, since) = (guard.Child.CpuTime, await redis.CommandsAsync(cancellationToken), TimeProvider.System.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellationToken);
        var elapsed = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        var cores = (guard.Child.CpuTime - cpu).TotalSeconds / elapsed;
        var perSecond = (await redis.CommandsAsync(cancellationToken) - commands) / elapsed;

        var began = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, red), cancellationToken, async (i, ct) => await guard.Control.ReportPoolErrorAsync(PoolOf(i), ct));
        var reported = TimeProvider.System.GetElapsedTime(began);
        for (var tries = 0; held.Answered < red && tries < 1000; tries++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }

        var times = held.TimesSince(began);
        report.Table(
            ["pools", "memory each, its request included", "CPU while watching", "store commands/s", "failed", "reports sent within", "last of their requests answered after", "others answered"],
            [[
                Report.Number(pools, "0"), Report.KiB(bytes / (double)pools), $"{Report.Number(100 * cores)} % of a core", Report.Number(perSecond, "0"), Report.Number(red, "0"),
                Report.Time(reported.TotalMicroseconds), Report.Time(times[^1]), Report.Number(held.Answered - red, "0"),
            ]]);
        report.Save(output);
    }

    private static string PoolOf(int i) => string.Create(CultureInfo.InvariantCulture, $"pool-{i}");
}
