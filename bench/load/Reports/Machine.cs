using System.Diagnostics;
using System.Runtime.InteropServices;
using Guard.Load.Processes;

namespace Guard.Load.Reports;

/// <summary>What a number means nothing without.</summary>
internal static class Machine
{
    public static IEnumerable<string> Describe()
    {
        var cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[^1].Trim();
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        yield return $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm} UTC, commit {First("git", "-C", Repository.Root, "describe", "--always", "--dirty")}, load average at start {load}";
        var cores = File.ReadLines("/proc/cpuinfo").Count(l => l.StartsWith("processor", StringComparison.Ordinal));
        yield return $"{cores} cores, {cpu ?? RuntimeInformation.ProcessArchitecture.ToString()}, Linux {Environment.OSVersion.Version}; "
            + $"client, upstream and store on core {Cores.Client}, what is measured on core {Cores.Proxy}";
        yield return string.Join(", ", Versions().Where(v => v is not null));
    }

    private static IEnumerable<string?> Versions()
    {
        yield return $".NET {Environment.Version}";
        yield return Version("wrk", "-v");
        yield return Version("h2load", "--version");
        yield return Version("haproxy", "-v");
        yield return Version("nginx", "-v");
        yield return Version("redis-server", "--version");
    }

    private static string? Version(string tool, string flag)
        => Tools.TryFind(tool) is { } path ? First(path, flag)?.Split([" Copyright", " https", " sha="], StringSplitOptions.None)[0].Trim() : null;

    private static string? First(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            return process.StandardOutput.ReadLine() ?? process.StandardError.ReadLine();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
