using System.Globalization;

namespace Guard.Load.Processes;

/// <summary>What the kernel says of a process.</summary>
internal static class ProcFile
{
    // USER_HZ; 100 on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    public static TimeSpan CpuTime(int id)
    {
        // The name in parentheses may hold spaces; fields are counted from behind it. 14 and 15 are user and system time.
        var stat = File.ReadAllText($"/proc/{id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
    }

    public static long Resident(int id)
        => 1024 * long.Parse(
            File.ReadLines($"/proc/{id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);
}
