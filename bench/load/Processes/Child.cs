using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Guard.Load.Processes;

/// <summary>
/// A process of this run, pinned to one core. What it prints goes to a file. Ends when disposed, or with this process; nothing else is
/// ever ended.
/// </summary>
internal sealed class Child : IDisposable
{
    private static readonly ConcurrentDictionary<Child, bool> Alive = new();
    private static readonly string LogFolder = Directory.CreateTempSubdirectory("guard-load-").FullName;
    private readonly Process _process;

    private Child(string name, Process process)
    {
        (Name, _process) = (name, process);
        Alive[this] = true;
    }

    public string Name { get; }

    public int Id => _process.Id;

    /// <param name="name">For messages and the name of its log.</param>
    /// <param name="core">Where it runs, and nowhere else.</param>
    /// <param name="command">Program and arguments.</param>
    /// <param name="environment">Added to this process's own.</param>
    public static Child Start(string name, int core, IEnumerable<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("sh")
        {
            // The shell and taskset both become the next, so the id is the program's.
            ArgumentList = { "-c", "log=$1; core=$2; shift 2; exec taskset -c \"$core\" \"$@\" > \"$log\" 2>&1 < /dev/null", "sh", LogOf(name), Text(core) },
        };
        foreach (var argument in command)
        {
            start.ArgumentList.Add(argument);
        }

        // This process's own switch is not for those it measures.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        return new Child(name, Process.Start(start) ?? throw new LoadException($"{name} did not start"));
    }

    /// <summary>CPU time it used so far, user and system together: /proc/PID/stat, in ticks of 10 ms.</summary>
    public TimeSpan CpuTime => ProcFile.CpuTime(Id);

    /// <summary>Resident memory now, in bytes.</summary>
    public long Resident => ProcFile.Resident(Id);

    public bool HasEnded => _process.HasExited;

    /// <summary>The end of what it printed, for messages.</summary>
    public string LastWords()
    {
        var lines = File.Exists(LogOf(Name)) ? File.ReadAllLines(LogOf(Name)) : [];
        return string.Join(" | ", lines.TakeLast(3));
    }

    public static void EndAll()
    {
        foreach (var child in Alive.Keys)
        {
            child.Dispose();
        }
    }

    public void Dispose()
    {
        if (Alive.TryRemove(this, out _))
        {
            _process.Kill();
            _process.Dispose();
        }
    }

    private static string LogOf(string name) => Path.Combine(LogFolder, $"{name}.log");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
