using System.Diagnostics;
using System.Text;

namespace Guard.TestSupport;

/// <summary>
/// The real binary in a process of its own, on free loopback ports: <c>guard.dll</c> beside the tests, or the binary that the
/// environment variable <c>GUARD_BINARY</c> names (the NativeAOT one, say). Thread-safe.
/// </summary>
internal sealed class GuardProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private GuardProcess(ProcessStartInfo start, Uri gateway, Uri control)
    {
        Gateway = gateway;
        ControlAddress = control;
        Client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue, UseProxy = false, AllowAutoRedirect = false })
        {
            BaseAddress = gateway,
            Timeout = TimeSpan.FromSeconds(100),
        };
        Control = new ControlApi(control);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    public Uri Gateway { get; }

    public Uri ControlAddress { get; }

    /// <summary>Talks to the gateway: no redirects, no proxy, as many connections as asked.</summary>
    public HttpClient Client { get; }

    public ControlApi Control { get; }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Everything it has written so far, both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Physical memory now, in bytes.</summary>
    public long ResidentBytes => Fresh().WorkingSet64;

    /// <summary>The most physical memory it has had, in bytes.</summary>
    public long PeakResidentBytes => Fresh().PeakWorkingSet64;

    /// <summary>User and system time so far.</summary>
    public TimeSpan CpuTime => Fresh().TotalProcessorTime;

    /// <summary>Starts it and waits until <c>/readyz</c> answers 200. Throws with its output when it ends first or takes longer than 2 minutes.</summary>
    /// <param name="cancellationToken">Ends the wait, and the process with it.</param>
    /// <param name="settings">Full keys, e.g. <c>Guard:FailFast:CheckDelay</c>, passed as environment variables.</param>
    public static Task<GuardProcess> StartAsync(CancellationToken cancellationToken, params (string Key, string Value)[] settings)
        => StartAsync([], settings, cancellationToken);

    public static async Task<GuardProcess> StartAsync(
        string[] arguments, (string Key, string Value)[] settings, CancellationToken cancellationToken)
    {
        var guard = Create(arguments, settings);
        try
        {
            guard.Launch();
            await guard.ReadyAsync(cancellationToken);
            return guard;
        }
        catch
        {
            await guard.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it and waits only until it listens: one whose store is away never becomes ready.</summary>
    public static async Task<GuardProcess> StartUnreadyAsync(CancellationToken cancellationToken, params (string Key, string Value)[] settings)
    {
        var guard = Create([], settings);
        try
        {
            guard.Launch();
            await guard.AnswersAsync("healthz", cancellationToken);
            return guard;
        }
        catch
        {
            await guard.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs it until it ends by itself, for settings it must refuse: exit code and output.</summary>
    public static async Task<(int ExitCode, string Output)> RunToEndAsync(
        CancellationToken cancellationToken, params (string Key, string Value)[] settings)
    {
        await using var guard = Create([], settings);
        guard.Launch();
        return (await guard.EndedAsync(cancellationToken), guard.Output);
    }

    /// <summary>SIGTERM; the exit code.</summary>
    public async Task<int> TerminateAsync(CancellationToken cancellationToken)
    {
        await SignalAsync("-TERM", cancellationToken);
        return await EndedAsync(cancellationToken);
    }

    /// <summary>SIGSTOP: it keeps its connections and does nothing.</summary>
    public Task PauseAsync(CancellationToken cancellationToken) => SignalAsync("-STOP", cancellationToken);

    /// <summary>SIGCONT: it goes on where it was.</summary>
    public Task ResumeAsync(CancellationToken cancellationToken) => SignalAsync("-CONT", cancellationToken);

    /// <summary>SIGKILL: no chance to say goodbye.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await EndedAsync(cancellationToken);
    }

    /// <summary>Waits until <paramref name="text"/> stands in the output; throws when the process ends or 2 minutes pass without.</summary>
    public Task WaitForOutputAsync(string text, CancellationToken cancellationToken)
        => UntilAsync(() => Task.FromResult(Output.Contains(text, StringComparison.Ordinal)), $"'{text}' in its output", cancellationToken);

    /// <summary>The value of one metric, its labels written as Prometheus does; 0 when it has not been counted yet.</summary>
    public async Task<double> MetricAsync(string nameAndLabels, CancellationToken cancellationToken)
    {
        var text = await Control.Client.GetStringAsync("metrics", cancellationToken);
        var line = text.Split('\n').FirstOrDefault(l => l.StartsWith(nameAndLabels + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(nameAndLabels.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                _process.Kill();
                await EndedAsync(CancellationToken.None);
            }
        }
        catch (InvalidOperationException)
        {
            // Never started.
        }

        _process.Dispose();
        Client.Dispose();
        Control.Dispose();
    }

    private static GuardProcess Create(string[] arguments, (string Key, string Value)[] settings)
    {
        var gateway = new Uri($"http://127.0.0.1:{FreePort.Next()}/");
        var control = new Uri($"http://127.0.0.1:{FreePort.Next()}/");
        var start = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (Environment.GetEnvironmentVariable("GUARD_BINARY") is { Length: > 0 } binary)
        {
            start.FileName = binary;
        }
        else
        {
            start.FileName = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "guard.dll"));
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // A developer's own Guard settings are not the test's.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("Guard_", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        Set("Kestrel:Endpoints:Gateway:Url", gateway.ToString().TrimEnd('/'));
        Set("Kestrel:Endpoints:Control:Url", control.ToString().TrimEnd('/'));
        Set("Guard:Shutdown:Delay", "00:00:00");
        foreach (var (key, value) in settings)
        {
            Set(key, value);
        }

        return new GuardProcess(start, gateway, control);

        void Set(string key, string value) => start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
    }

    private async Task SignalAsync(string signal, CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", [signal, Pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
    }

    private void Launch()
    {
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private Task ReadyAsync(CancellationToken cancellationToken) => AnswersAsync("readyz", cancellationToken);

    private Task AnswersAsync(string path, CancellationToken cancellationToken) => UntilAsync(
        async () =>
        {
            try
            {
                using var reply = await Control.Client.GetAsync(path, cancellationToken);
                return reply.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
                return false;
            }
        },
        path,
        cancellationToken);

    private async Task UntilAsync(Func<Task<bool>> reached, string what, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await reached())
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"guard ended with {await EndedAsync(cancellationToken)} before {what}:\n{Output}");
            }

            if (TimeProvider.System.GetElapsedTime(started) > StartLimit)
            {
                throw new TimeoutException($"no {what} within {StartLimit}:\n{Output}");
            }

            await Task.Delay(PollInterval, TimeProvider.System, cancellationToken);
        }
    }

    private async Task<int> EndedAsync(CancellationToken cancellationToken)
    {
        // Also waits until both streams are read to their end.
        await _process.WaitForExitAsync(cancellationToken).WaitAsync(EndLimit, cancellationToken);
        return _process.ExitCode;
    }

    private Process Fresh()
    {
        _process.Refresh();
        return _process;
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }
}
