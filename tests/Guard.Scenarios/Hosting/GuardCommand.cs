using System.Diagnostics;

namespace Guard.Scenarios.Hosting;

/// <summary>The real binary as a process of its own, with an environment that holds nothing of the caller's configuration.</summary>
internal sealed class GuardCommand : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly List<string> _output = [];

    private GuardCommand(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What was written to stdout so far.</summary>
    public string Output => string.Join('\n', _output);

    public static GuardCommand Start(string[] args, string? directory = null, params (string Name, string Value)[] environment)
    {
        // A shell that runs the tests in the background makes them ignore SIGINT, and what they start too.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", BinaryPath(), .. args])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = directory ?? Path.GetTempPath(),
        };
        foreach (var name in start.Environment.Keys.Where(IsConfiguration).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new GuardCommand(Process.Start(start)!);
    }

    /// <summary>Runs a Guard that is expected to refuse its configuration.</summary>
    public static async Task<(int ExitCode, string Error, string Output)> RunAsync(
        string[] args, CancellationToken cancellationToken, string? directory = null, params (string Name, string Value)[] environment)
    {
        using var guard = Start(args, directory, environment);
        var output = guard._process.StandardOutput.ReadToEndAsync(cancellationToken);
        var exitCode = await guard.WaitAsync(cancellationToken);
        return (exitCode, await guard._error.WaitAsync(Patience, cancellationToken), await output.WaitAsync(Patience, cancellationToken));
    }

    /// <summary>Reads stdout until the line with this text.</summary>
    public async Task<string> ReadUntilAsync(string text, CancellationToken cancellationToken)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Patience, cancellationToken) is { } line)
        {
            _output.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"Guard ended without saying '{text}': {Output}{await _error}");
    }

    /// <summary>The base address of a listener, from the line that says Guard listens.</summary>
    public static Uri UrlOf(string endpoint, string line)
    {
        var start = line.IndexOf($"{endpoint} (", StringComparison.Ordinal);
        start = line.IndexOf("http://", start, StringComparison.Ordinal);
        var end = line.IndexOf(',', start);
        return new Uri(end < 0 ? line[start..] : line[start..end]);
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static bool IsConfiguration(string name)
        => name.StartsWith("Guard__", StringComparison.OrdinalIgnoreCase) || name.StartsWith("GUARD_", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("DOTNET_ENV", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("Kestrel__", StringComparison.OrdinalIgnoreCase);

    /// <summary>Built beside the tests, in the same configuration: <c>bin/Guard.Scenarios/debug</c> and <c>bin/Guard/debug</c>.</summary>
    private static string BinaryPath()
    {
        var tests = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(tests.Parent!.Parent!.FullName, "Guard", tests.Name, "guard.dll");
    }
}
