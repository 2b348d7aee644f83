using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Guard.Load.Guards;
using Guard.Load.Processes;
using Guard.Load.Reports;

namespace Guard.Load.Commands;

/// <summary>From the start of the process to the first 200 of <c>/readyz</c>, and what it occupies when nothing has happened yet.</summary>
internal static class StartCommand
{
    public static async Task RunAsync(CommandOptions options, CancellationToken cancellationToken)
    {
        var runs = options.Number("runs", 10, 1, 100);
        var output = options.Text("out");
        var variants = options.Text("variants", "").Split(';', StringSplitOptions.RemoveEmptyEntries);
        options.End();
        var report = new Report("Start", string.Create(CultureInfo.InvariantCulture, $"start --runs {runs}"), "No limit raised; each start has the core to itself.");
        var rows = new List<string[]> { await RowAsync("JIT, Memory", Repository.Guard, false, null, runs, cancellationToken), await RowAsync("JIT, Redis", Repository.Guard, true, null, runs, cancellationToken) };
        if (Repository.NativeGuard is { } native)
        {
            rows.Add(await RowAsync("native, Memory", native, false, null, runs, cancellationToken));
            rows.Add(await RowAsync("native, Redis", native, true, null, runs, cancellationToken));
        }

        foreach (var variant in variants)
        {
            var (name, settings) = variant.Split(':', 2) is [var n, var s] ? (n, s) : (variant, "");
            var environment = settings.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
            var command = environment.Remove("dll", out var dll) ? ["dotnet", dll] : Repository.Guard;
            rows.Add(await RowAsync(name, command, false, environment, runs, cancellationToken));
        }

        report.Table(["", "ready after (median)", "slowest", "CPU until then", "resident after 3 s"], rows);
        report.Save(output);
    }

    private static async Task<string[]> RowAsync(
        string name, string[] command, bool withRedis, Dictionary<string, string>? environment, int runs, CancellationToken cancellationToken)
    {
        var (times, cpu, resident) = (new List<double>(), new List<double>(), new List<double>());
        var redis = withRedis ? await RedisProcess.StartAsync(cancellationToken) : null;
        using var store = redis?.Process;
        for (var run = 0; run < runs; run++)
        {
            var began = TimeProvider.System.GetTimestamp();
            var (child, control) = GuardProcess.StartPlain("start", command, redis, environment);
            using var ended = child;
            await UntilReadyAsync(control, child, cancellationToken);
            times.Add(TimeProvider.System.GetElapsedTime(began).TotalMicroseconds);
            cpu.Add(child.CpuTime.TotalMicroseconds);
            if (run < 3)
            {
                await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellationToken);
                resident.Add(child.Resident);
            }
        }

        return [name, Report.Time(Statistics.Median(times)), Report.Time(times.Max()), Report.Time(Statistics.Median(cpu)), Report.MiB(Statistics.Median(resident))];
    }

    /// <summary>Asks again and again, without a client library whose own start would count.</summary>
    private static async Task UntilReadyAsync(int port, Child child, CancellationToken cancellationToken)
    {
        var buffer = new byte[1024];
        while (!child.HasEnded)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                await socket.SendAsync("GET /readyz HTTP/1.1\r\nHost: load.test\r\n\r\n"u8.ToArray(), cancellationToken);
                var count = await socket.ReceiveAsync(buffer, cancellationToken);
                if (buffer.AsSpan(0, count).StartsWith("HTTP/1.1 200"u8))
                {
                    return;
                }
            }
            catch (SocketException)
            {
                // Not listening yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
        }

        throw new LoadException($"{child.Name} ended: {child.LastWords()}");
    }
}
