using System.Diagnostics;
using System.Globalization;
using Guard.TestSupport;

namespace Guard.Scenarios.Lifecycle;

/// <summary>A <see cref="JournalingRunner"/> in its process, and what its journal says. Used by one test.</summary>
internal sealed class RunnerUnderTest : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _journal = Path.GetTempFileName();
    private long _killed = long.MaxValue;

    private RunnerUnderTest(Uri control, string key, int version, int slots)
    {
        var port = FreePort.Next();
        var registration =
            $$"""{"name":"default","key":"{{key}}","version":{{version}},"endpoint":"http://127.0.0.1:{{port}}","total_slots":{{slots}}}""";
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in new[]
        {
            "exec", typeof(RunnerUnderTest).Assembly.Location, JournalingRunner.Command, control.ToString(), _journal,
            port.ToString(CultureInfo.InvariantCulture), registration,
        })
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
    }

    /// <summary>Starts it and waits until it is registered.</summary>
    public static async Task<RunnerUnderTest> StartAsync(Uri control, string key, int version, int slots, CancellationToken cancellationToken)
    {
        var runner = new RunnerUnderTest(control, key, version, slots);
        var deadline = TimeProvider.System.GetTimestamp() + (30 * TimeProvider.System.TimestampFrequency);
        while (!runner.Read().Any(l => l.What == "registered"))
        {
            if (runner._process.HasExited || TimeProvider.System.GetTimestamp() > deadline)
            {
                throw new InvalidOperationException($"the runner did not register: {await runner._process.StandardError.ReadToEndAsync(cancellationToken)}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }

        return runner;
    }

    public string RunnerId => Read().Last(l => l.What == "registered").Id;

    /// <summary>SIGKILL. When it came, as the journal counts time.</summary>
    public async Task<long> KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
        return _killed = TimeProvider.System.GetTimestamp();
    }

    /// <summary>SIGTERM, until it has ended.</summary>
    public async Task TerminateAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>What ran here: from the answer of its start to its stop, or the runner's death.</summary>
    public IReadOnlyList<(string Actor, long Generation, long From, long To)> Runs()
    {
        var open = new Dictionary<(string, long), long>();
        var runs = new List<(string, long, long, long)>();
        foreach (var line in Read())
        {
            if (line.What == "start")
            {
                open.TryAdd((line.Id, line.Generation), line.At);
            }
            else if (line.What == "stop" && open.Remove((line.Id, line.Generation), out var from))
            {
                runs.Add((line.Id, line.Generation, from, line.At));
            }
        }

        runs.AddRange(open.Select(o => (o.Key.Item1, o.Key.Item2, o.Value, _killed)));
        return runs;
    }

    /// <summary>Fails when an actor was on two runners at once.</summary>
    public static void AssertNoOverlap(params RunnerUnderTest[] runners)
    {
        foreach (var actor in runners.SelectMany(r => r.Runs()).GroupBy(r => r.Actor))
        {
            var runs = actor.OrderBy(r => r.From).ToArray();
            for (var i = 1; i < runs.Length; i++)
            {
                Assert.True(runs[i - 1].To <= runs[i].From, $"{actor.Key} ran twice: {runs[i - 1]} and {runs[i]}");
                Assert.True(runs[i - 1].Generation < runs[i].Generation);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        File.Delete(_journal);
    }

    private IEnumerable<(long At, string What, string Id, long Generation)> Read()
    {
        using var file = new FileStream(_journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();

        // A line that is being written has no end yet.
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ');
            yield return (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], parts[2], long.Parse(parts[3], CultureInfo.InvariantCulture));
        }
    }
}
