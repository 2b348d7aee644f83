using System.Globalization;
using Guard.Load.Clients;
using Guard.Load.Guards;
using Guard.Load.Moves;
using Guard.Load.Processes;
using Guard.Load.Proxies;
using Guard.Load.Reports;
using Guard.Model.Ids;
using Guard.Storage.Redis;

namespace Guard.Load.Commands;

/// <summary>
/// Actors that move by the ten thousand while they are asked for: every move is told to Guard, which has its route cached. How many moves
/// there were, what requests paid for them, and whether one was answered by a runner its actor had left.
/// </summary>
internal static class StormCommand
{
    private const string Pool = "storm";

    /// <summary>A change is known everywhere long before this; an answer from a place left longer ago is wrong.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var actors = options.Number("actors", 1000, 2, 20_000);
        var moves = options.Number("moves", 100_000, 1, 1_000_000);
        var seconds = options.Number("seconds", 10, 2, 60);
        var connections = options.Number("connections", 32, 1, 512);
        var rate = options.Number("rate", 2000, 1, 1_000_000);
        var runners = options.Number("runners", 4, 2, 100);
        var warmup = options.Number("warmup", 20, 0, 120);
        var kinds = options.List("by", "start,address");
        var output = options.Text("out");
        options.End();
        if (kinds.FirstOrDefault(kind => kind is not ("start" or "address")) is { } unknown)
        {
            throw new LoadException($"--by knows start and address, not '{unknown}'");
        }

        var report = new Report(
            "Invalidation storm",
            string.Create(CultureInfo.InvariantCulture,
                $"storm --actors {actors} --moves {moves} --seconds {seconds} --rate {rate} --connections {connections} --runners {runners} --warmup {warmup} --by {string.Join(',', kinds)}"),
            GuardProcess.RaisedLimits);
        var (phases, verdicts) = (new List<string[]>(), new List<string[]>());
        foreach (var kind in kinds)
        {
            await OnceAsync(kind, actors, moves, seconds, connections, rate, runners, warmup, phases, verdicts, cancellationToken);
        }

        report.Table(
            ["moves by", "requests/s", "p50", "p99", "slowest", "not answered 200", "CPU per request", "CPU of Guard", "store commands/s", "of Guard's own calls/s", "resident"], phases);
        report.Table(
            ["moves by", "asked for", "done", "moves/s", "ended by a request's own wake", "routes read again", "answers by a place left before they were asked", "p99 of how long before", "longest", "left over 1 s before", "wrong afterwards"],
            verdicts);
        report.Save(output);
    }

    private static async Task OnceAsync(
        string kind, int count, int moves, int seconds, int connections, int rate, int runners, int warmup, List<string[]> phases, List<string[]> verdicts, CancellationToken cancellationToken)
    {
        var upstreams = new[] { await Upstream.StartAsync(cancellationToken, $"upstream-{kind}-1"), await Upstream.StartAsync(cancellationToken, $"upstream-{kind}-2") };
        var redis = await RedisProcess.StartAsync(cancellationToken);
        var guard = await GuardProcess.StartAsync($"guard-{kind}", Repository.Guard, redis, null, cancellationToken);
        await guard.Control.PutPoolAsync(Pool, cancellationToken);
        var keys = new Dictionary<string, string>();
        for (var i = 0; i < runners; i++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"runner-{i}");
            keys[await guard.Control.PutRunnerAsync(Pool, key, $"{upstreams[i % 2].Url}/a0", 1_000_000, cancellationToken)] = key;
        }

        var ids = new string[count];
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = cancellationToken }, async (i, ct) =>
            ids[i] = await guard.Control.PutActorAsync(Pool, "room", string.Create(CultureInfo.InvariantCulture, $"room-{i}"), ct).ConfigureAwait(false));
        await WhoLoop.AskAllAsync(guard.GatewayPort, ids, cancellationToken);

        await using var store = StoreLink.Open(RedisSettings.TryParse(redis.Address, out var settings) ? settings : throw new LoadException($"'{redis.Address}' is no Redis configuration"));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var mover = await ActorMoves.BeginAsync(
            store, new("default", Pool), [.. ids.Select(id => ActorId.Parse(id))], keys, [upstreams[0].Port, upstreams[1].Port], kind == "address", cancellationToken);
        var load = Task.Run(() => WhoLoop.RunAsync(guard.GatewayPort, connections, rate, ids, ended.Token, cancellationToken), cancellationToken);

        // What moves do is compiled too before anything is measured.
        await PauseAsync(warmup * 2 / 3, cancellationToken);
        await mover.RunAsync(moves / (double)seconds / 4, TimeSpan.FromSeconds(warmup / 3), cancellationToken);
        await PauseAsync(2, cancellationToken);

        var marks = new List<Mark> { await Mark.TakeAsync(guard, redis, cancellationToken) };
        await PauseAsync(seconds / 2, cancellationToken);
        marks.Add(await Mark.TakeAsync(guard, redis, cancellationToken));
        await mover.RunAsync(moves / (double)seconds, TimeSpan.FromSeconds(seconds), cancellationToken);
        marks.Add(await Mark.TakeAsync(guard, redis, cancellationToken));
        await PauseAsync((int)Settled.TotalSeconds, cancellationToken);
        marks.Add(await Mark.TakeAsync(guard, redis, cancellationToken));
        await PauseAsync(seconds / 2, cancellationToken);
        marks.Add(await Mark.TakeAsync(guard, redis, cancellationToken));
        await ended.CancelAsync();
        var answers = await load;

        var wrong = 0;
        foreach (var answer in await WhoLoop.AskAllAsync(guard.GatewayPort, ids, cancellationToken))
        {
            wrong += answer.Status == 200 && await mover.IsRightAsync(answer, cancellationToken) ? 0 : 1;
        }

        phases.Add(Phase($"{kind}: before", answers, marks[0], marks[1]));
        phases.Add(Phase("during", answers, marks[1], marks[2]));
        phases.Add(Phase("after", answers, marks[3], marks[4]));
        verdicts.Add(Verdict(kind, moves, mover, answers, marks[1], marks[2], wrong));
        foreach (var child in new[] { guard.Child, redis.Process, upstreams[0].Process, upstreams[1].Process })
        {
            child.Dispose();
        }
    }

    private static string[] Phase(string name, Answer[] answers, Mark from, Mark to)
    {
        var own = answers.Where(a => a.SentAt >= from.At && a.SentAt < to.At).ToArray();
        var times = own.Select(a => (double)a.Took).Order().ToArray();
        var elapsed = TimeProvider.System.GetElapsedTime(from.At, to.At).TotalSeconds;
        return
        [
            name, Report.Number(own.Length / elapsed, "0"), Report.Time(Statistics.Percentile(times, .5)), Report.Time(Statistics.Percentile(times, .99)), Report.Time(times[^1]),
            Failures(own), $"{Report.Number((to.Cpu - from.Cpu).TotalMicroseconds / own.Length)} µs", $"{Report.Number(100 * (to.Cpu - from.Cpu).TotalSeconds / elapsed, "0")} % of a core",
            Report.Number((to.Commands - from.Commands) / elapsed, "0"), Report.Number((to.OwnCalls - from.OwnCalls) / elapsed, "0"), Report.MiB(to.Resident),
        ];
    }

    /// <summary>How many, and of which statuses.</summary>
    private static string Failures(Answer[] answers)
    {
        var byStatus = answers.Where(a => a.Status != 200).CountBy(a => a.Status).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Value} × {s.Key}")).ToArray();
        return byStatus.Length == 0 ? "0" : string.Join(", ", byStatus);
    }

    private static string[] Verdict(string kind, int asked, ActorMoves mover, Answer[] answers, Mark from, Mark to, int wrong)
    {
        var since = answers.Where(a => a.SentAt >= from.At && a.Status == 200).ToArray();
        var late = since.Select(a => mover.LeftFor(a).TotalMicroseconds).Where(left => left > 0).Order().ToArray();
        return
        [
            kind, Report.Number(asked, "0"), Report.Number(mover.Done, "0"), Report.Number(mover.Done / TimeProvider.System.GetElapsedTime(from.At, to.At).TotalSeconds, "0"),
            Report.Number(mover.Otherwise, "0"), Report.Number(to.Misses - from.Misses, "0"), $"{Report.Number(late.Length, "0")} of {Report.Number(since.Length, "0")}",
            late.Length == 0 ? "" : Report.Time(Statistics.Percentile(late, .99)), late.Length == 0 ? "" : Report.Time(late[^1]),
            Report.Number(late.Count(left => left > Settled.TotalMicroseconds), "0"), Report.Number(wrong, "0"),
        ];
    }

    private static Task PauseAsync(int seconds, CancellationToken cancellationToken)
        => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellationToken);

    /// <summary>What has been used up to a moment.</summary>
    private sealed record Mark(long At, TimeSpan Cpu, long Commands, double OwnCalls, double Misses, long Resident)
    {
        public static async Task<Mark> TakeAsync(GuardProcess guard, RedisProcess redis, CancellationToken cancellationToken)
        {
            var calls = await guard.Control.MetricAsync("guard_store_op_duration_seconds_count", cancellationToken);
            var misses = await guard.Control.MetricAsync("guard_route_cache_lookups_total{result=\"miss\"}", cancellationToken);
            var commands = await redis.CommandsAsync(cancellationToken);
            return new(TimeProvider.System.GetTimestamp(), guard.Child.CpuTime, commands, calls, misses, guard.Child.Resident);
        }
    }
}
