using System.Collections.Concurrent;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Pools;

/// <summary>
/// The <see cref="PoolSettings"/> of every pool this Guard has met, kept current: a changed runner-config is read again at once, changed
/// options are applied at once, and after a gap in the change feed each pool is read again when it is next asked for. While a read is
/// under way or fails, what was known before holds; of a new pool, the options. Thread-safe.
/// </summary>
internal sealed partial class PoolSettingsSource : IChangeSink
{
    /// <summary>A bound against leaks, not a working-set size: pools are made by operators.</summary>
    private const int MaxPools = 100_000;

    private static readonly TimeSpan LoadDeadline = TimeSpan.FromSeconds(1);

    /// <summary>How long a failed read is not repeated.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<PoolId, PoolSettingsEntry> _entries = new();
    private readonly IPoolStore _store;
    private readonly LiveOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<PoolSettingsSource> _logger;

    public PoolSettingsSource(IPoolStore store, LiveOptions options, TimeProvider time, ILogger<PoolSettingsSource> logger)
    {
        _store = store;
        _options = options;
        _time = time;
        _logger = logger;
        options.Changed += OptionsChanged;
    }

    /// <summary>Raised after the settings of a pool changed, outside locks.</summary>
    public event Action<PoolId>? Changed;

    /// <summary>The settings as far as they are known, at once; never waits, never throws. Of a pool not met before these are the options
    /// as they stand (with the Memory store: already the pool's own), and a read is begun. Allocates nothing once the pool is known.</summary>
    public PoolSettings Get(PoolId pool)
    {
        var entry = EntryOf(pool);
        if (!entry.IsCurrent)
        {
            BeginLoad(entry);
        }

        return entry.Settings;
    }

    /// <summary>The settings after the pool's runner-config was read; completes at once when it was. When the store cannot be read within
    /// its deadline, what <see cref="Get"/> would say.</summary>
    public ValueTask<PoolSettings> GetAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var entry = EntryOf(pool);
        if (entry.IsCurrent)
        {
            return new(entry.Settings);
        }

        var load = BeginLoad(entry);
        return load.IsCompleted ? new(entry.Settings) : AfterLoad(entry, load, cancellationToken);

        static async ValueTask<PoolSettings> AfterLoad(PoolSettingsEntry entry, Task load, CancellationToken cancellationToken)
        {
            await JoinAsync(load).WaitAsync(cancellationToken);
            return entry.Settings;
        }

        // A limit on the shared source itself would be met on the thread pool, not where the caller runs.
        static async Task JoinAsync(Task load) => await load;
    }

    /// <inheritdoc/>
    public void PoolConfigChanged(PoolId pool)
    {
        if (_entries.TryGetValue(pool, out var entry))
        {
            entry.Invalidate();
            BeginLoad(entry);
        }
    }

    /// <inheritdoc/>
    public void Gap()
    {
        foreach (var (_, entry) in _entries)
        {
            entry.Invalidate();
        }
    }

    private PoolSettingsEntry EntryOf(PoolId pool)
    {
        if (_entries.TryGetValue(pool, out var entry))
        {
            return entry;
        }

        if (_entries.Count >= MaxPools)
        {
            _entries.Clear();
        }

        return _entries.GetOrAdd(pool, static (p, options) => new PoolSettingsEntry(p, options), _options.Current);
    }

    private Task BeginLoad(PoolSettingsEntry entry)
    {
        TaskCompletionSource load;
        lock (entry.Gate)
        {
            if (entry.Load is { Task.IsCompleted: false } current)
            {
                return current.Task;
            }

            if (entry.FailedAt is { } failedAt && _time.GetElapsedTime(failedAt) < RetryDelay)
            {
                return Task.CompletedTask;
            }

            entry.Load = load = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _ = LoadAsync(entry, load);
        return load.Task;
    }

    private async Task LoadAsync(PoolSettingsEntry entry, TaskCompletionSource load)
    {
        do
        {
            var version = entry.Version;
            try
            {
                using var deadline = new CancellationTokenSource(LoadDeadline, _time);
                var config = await _store.GetAsync(entry.Pool, deadline.Token).AsTask().WaitAsync(deadline.Token);
                Apply(entry, config?.Guard, version);
            }
            catch (Exception e)
            {
                // Unreachable, too slow or unreadable: the settings known before hold until a later read succeeds.
                bool again;
                lock (entry.Gate)
                {
                    again = entry.FailedAt is not null;
                    entry.FailedAt = _time.GetTimestamp();
                }

                if (!again)
                {
                    LogLoadFailed(e, entry.Pool);
                }

                break;
            }
        }
        while (!entry.IsCurrent);
        load.SetResult();
        if (!entry.IsCurrent)
        {
            // Invalidated between the last look and the end; after a failure this waits for the retry delay.
            _ = BeginLoad(entry);
        }
    }

    private void OptionsChanged()
    {
        foreach (var (_, entry) in _entries)
        {
            Apply(entry, null, null);
        }
    }

    /// <param name="entry">The pool.</param>
    /// <param name="overrides">What was read, when <paramref name="version"/> is given.</param>
    /// <param name="version">The version of the entry the read was begun at; null when only the options changed.</param>
    private void Apply(PoolSettingsEntry entry, PoolGuardOverrides? overrides, int? version)
    {
        bool changed;
        lock (entry.Gate)
        {
            if (version is { } loaded)
            {
                entry.FailedAt = null;
                entry.Overrides = overrides;
                entry.LoadedVersion = loaded;
            }

            var settings = PoolSettings.Resolve(entry.Overrides, _options.Current);
            changed = settings != entry.Settings;
            if (changed)
            {
                entry.Settings = settings;
            }
        }

        if (changed)
        {
            Changed?.Invoke(entry.Pool);
        }
    }

    [LoggerMessage(
        1,
        LogLevel.Warning,
        "The settings of pool {Pool} could not be read; those known before hold. Likely the store is unreachable.",
        EventName = "PoolSettingsReadFailed")]
    private partial void LogLoadFailed(Exception exception, PoolId pool);
}
