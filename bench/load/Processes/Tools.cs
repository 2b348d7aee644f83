using System.Diagnostics;

namespace Guard.Load.Processes;

/// <summary>Other people's programs: where they are, what they say, and which package has them.</summary>
internal static class Tools
{
    private static readonly Dictionary<string, string> Packages = new()
    {
        ["wrk"] = "wrk",
        ["h2load"] = "nghttp2-client",
        ["haproxy"] = "haproxy",
        ["nginx"] = "nginx-light",
        ["redis-server"] = "redis-server",
        ["taskset"] = "util-linux",
    };

    /// <summary>The full path; says which Debian package to install when it is missing.</summary>
    public static string Find(string name)
        => TryFind(name) ?? throw new LoadException($"'{name}' is missing: apt-get install {Packages[name]}");

    public static string? TryFind(string name)
        => $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs it to its end and gives back what it printed, both streams.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return output + await errors;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }
}
