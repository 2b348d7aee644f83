using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Pools;

/// <summary>A tracker and its watchers over scripted stores and a clock the test moves.</summary>
internal sealed class PoolHealthFixture : IDisposable
{
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(2);

    public PoolHealthFixture(GuardOptions? options = null)
    {
        Options = new LiveOptions(options ?? new GuardOptions());
        Metrics = new GuardMetrics(Options);
        Tracker = new PoolHealthTracker(Store, Options, Time, Metrics, Log);
        Settings = new PoolSettingsSource(Pools, Options, Time, NullLogger<PoolSettingsSource>.Instance);
        Watchers = new PoolHealthWatchers(Tracker, Settings, Time, NullLogger<PoolHealthWatchers>.Instance);
        Tracker.Observed += Observed.Enqueue;
    }

    public PoolId Pool { get; } = new("ns", "pool");

    public FakeTimeProvider Time { get; } = new();

    public ScriptedHealthStore Store { get; } = new();

    public ScriptedPoolStore Pools { get; } = new();

    public LiveOptions Options { get; }

    public GuardMetrics Metrics { get; }

    public RecordedLog<PoolHealthTracker> Log { get; } = new();

    public PoolHealthTracker Tracker { get; }

    public PoolSettingsSource Settings { get; }

    public PoolHealthWatchers Watchers { get; }

    public ConcurrentQueue<PoolHealthSnapshot> Observed { get; } = new();

    public PoolHealthSnapshot Green(long seq, ulong epoch = 1) => new(Pool, epoch, seq, false, null, 3, 0);

    public PoolHealthSnapshot Red(long seq, ulong epoch = 1)
        => new(Pool, epoch, seq, true, new ActivePoolError(new PoolError(PoolErrorKind.ServerlessHttpError, 500, "secret body"), 1000, seq), 0, 1000);

    public ValueTask<PoolHealthSnapshot> ReadAsync(TimeSpan? ttl = null)
        => Tracker.ReadAsync(Pool, ttl ?? Ttl, TestContext.Current.CancellationToken);

    /// <summary>The metrics as Prometheus reads them.</summary>
    public async Task<string> ScrapeAsync()
    {
        using var stream = new MemoryStream();
        await Metrics.Registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    public void Dispose()
    {
        Watchers.Dispose();
        Tracker.Dispose();
    }
}

internal sealed class RecordedLog<T> : ILogger<T>
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Lines.Enqueue((logLevel, formatter(state, exception)));
}

internal sealed class RecordingObserver
{
    public ConcurrentQueue<PoolHealthSnapshot> Heard { get; } = new();

    public void HealthObserved(PoolHealthSnapshot health) => Heard.Enqueue(health);
}
