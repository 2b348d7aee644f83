using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;

namespace Guard.Configuration;

/// <summary>
/// Takes over changed configuration while Guard runs: the reloadable keys, all or nothing. What does not validate changes nothing.
/// A changed file is in force within 2 s. Thread-safe.
/// </summary>
internal sealed partial class OptionsReloader(
    ConfigurationManager configuration,
    ConfigurationLoader loader,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    ILogger<OptionsReloader> logger) : IHostedService, IDisposable
{
    private readonly SettledFileWatch _files = SettledFileWatch.Of(configuration);
    private readonly IReadOnlyList<GuardEndpoint> _endpoints = GuardEndpoints.Read(configuration);
    private FilePoll? _poll;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _poll = new FilePoll(new GuardedLoop("options_reloader", metrics, time, logger), time, Poll);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _poll?.Dispose();

    private void Poll()
    {
        try
        {
            if (_files.HasSettledChange())
            {
                // Not on the configuration's own change token: that fires after each file, while the ones after it are still the old.
                ((IConfigurationRoot)configuration).Reload();
                Apply();
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or FormatException)
        {
            Refuse(ConfigurationLayers.DescribeReadFailure(e));
        }
    }

    private void Apply()
    {
        var result = loader.Load(configuration);
        if (!result.IsValid)
        {
            Refuse(OptionProblem.Line(result.Problems));
            return;
        }

        metrics.ConfigReloadSuccess.Set(1);
        var reload = OptionsReload.Merge(options.Current, result.Options);
        Report(reload);
        if (reload.Applied.Count > 0)
        {
            options.Publish(reload.Options);
        }
    }

    private void Report(OptionsReload reload)
    {
        LogApplied(reload.Applied.Count, string.Join(", ", reload.Applied));
        var needRestart = GuardEndpoints.Read(configuration).SequenceEqual(_endpoints)
            ? reload.NeedRestart
            : [.. reload.NeedRestart, GuardEndpoints.Section];
        if (needRestart.Count > 0)
        {
            LogNeedsRestart(string.Join(", ", needRestart));
        }
    }

    private void Refuse(string problem)
    {
        metrics.ConfigReloadSuccess.Set(0);
        LogRefused(problem);
    }

    [LoggerMessage(1, LogLevel.Information, "Configuration reloaded: {Count} options changed: {Keys}", EventName = "ConfigurationReloaded")]
    private partial void LogApplied(int count, string keys);

    [LoggerMessage(2, LogLevel.Warning, "Configuration reloaded, but these changes need a restart: {Keys}", EventName = "ConfigurationNeedsRestart")]
    private partial void LogNeedsRestart(string keys);

    [LoggerMessage(3, LogLevel.Error, "The changed configuration is not valid, and the values before it stay in force: {Problem}", EventName = "ConfigurationRefused")]
    private partial void LogRefused(string problem);
}
