using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Processes;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>Requests of one actor, held while it starts and released by its one ready event: how fast, and what its runner sees of it.</summary>
internal static class ReadyCommand
{
    private const string Pool = "ready";

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var count = options.Number("requests", 10_000, 1, 25_000);
        var rounds = options.Number("rounds", 3, 1, 20);
        var output = options.Text("out");
        options.End();
        var report = new Report("Held and released by one ready event", string.Create(CultureInfo.InvariantCulture, $"ready --requests {count} --rounds {rounds}"), GuardProcess.RaisedLimits);
        var redis = await RedisProcess.StartAsync(cancellationToken);
        var guard = await GuardProcess.StartAsync("guard", Repository.Guard, redis, null, cancellationToken);
        await guard.Control.PutPoolAsync(Pool, cancellationToken);
        var rows = new List<string[]>();
        await using var runner = await LoadRunner.StartAsync(cancellationToken);
        var runnerId = await guard.Control.PutRunnerAsync(Pool, runner.Url, rounds + 1, cancellationToken);
        for (var round = 0; round <= rounds; round++)
        {
            // The first one warms up.
            var starts = runner.Starts;
            var times = await OnceAsync(guard, runner, runnerId, round, round == 0 ? Math.Min(count, 500) : count, cancellationToken);
            if (round > 0)
            {
                rows.Add([
                    $"round {round}", Report.Time(Statistics.Percentile(times, .5)), Report.Time(Statistics.Percentile(times, .99)), Report.Time(times[^1]),
                    Text(runner.Starts - starts), Text(runner.Peak), Text(runner.Connections)]);
            }
        }

        report.Table(["", "answered p50", "p99", "last", "start calls", "most requests at once at the runner", "connections to it so far"], rows);
        report.Save(output);
    }

    private static async Task<double[]> OnceAsync(
        GuardProcess guard, LoadRunner runner, string runnerId, int round, int count, CancellationToken cancellationToken)
    {
        var actor = await guard.Control.PutActorAsync(Pool, "room", Text(round), cancellationToken);
        using var held = new HeldHttp1(count);
        await held.SendAsync(guard.GatewayPort, _ => $"/gateway/{actor}/", "\r\n\r\nok", cancellationToken);
        await guard.Control.WaitUntilHeldAsync(count, cancellationToken);
        while (runner.GenerationOf(actor) is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }

        var began = TimeProvider.System.GetTimestamp();
        await guard.Control.ReadyAsync(runnerId, actor, runner.GenerationOf(actor)!.Value, cancellationToken);
        await held.AllAnswered.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, cancellationToken);
        return held.Unexpected == 0 ? held.TimesSince(began) : throw new LoadException($"{held.Unexpected} of {count} answers are not the runner's");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
