using System.Collections.Concurrent;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Pools;

/// <summary>
/// The pools somebody waits for, each with its one <see cref="PoolHealthWatcher"/>. Observers hear every read and, with push, every change
/// at once. Thread-safe.
/// </summary>
internal sealed class PoolHealthWatchers : IDisposable
{
    private readonly ConcurrentDictionary<PoolId, PoolHealthWatcher> _watchers = new();
    private readonly PoolHealthTracker _tracker;
    private readonly PoolSettingsSource _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<PoolHealthWatchers> _logger;
    private readonly Action<PoolId, PoolHealthWatcher> _remove;

    public PoolHealthWatchers(PoolHealthTracker tracker, PoolSettingsSource settings, TimeProvider time, ILogger<PoolHealthWatchers> logger)
    {
        _tracker = tracker;
        _settings = settings;
        _time = time;
        _logger = logger;
        _remove = (pool, watcher) => _watchers.TryRemove(KeyValuePair.Create(pool, watcher));
        tracker.Observed += Observed;
        tracker.GapHeard += GapHeard;
        settings.Changed += SettingsChanged;
    }

    /// <summary>Pools watched now.</summary>
    public int Count => _watchers.Count;

    /// <summary>
    /// Watches a pool until the result is disposed (more than once is harmless). The first read comes after one poll interval: whoever
    /// needs the health at once watches first and then asks the tracker, so that nothing falls between.
    /// </summary>
    /// <param name="pool">The pool.</param>
    /// <param name="observer">
    /// Told of every read and of every pushed change, in order and one at a time per pool; the same health may be told again. A read that
    /// failed is told as <see cref="PoolHealthSnapshot.Unknown"/>: green. Called outside locks on the thread that learned of it: return at
    /// once, do not block, do not throw. May be called once more while the watch is being ended.
    /// </param>
    public IDisposable Watch(PoolId pool, Action<PoolHealthSnapshot> observer)
    {
        while (true)
        {
            var watcher = _watchers.GetOrAdd(
                pool, static (p, self) => new PoolHealthWatcher(p, self._tracker, self._settings, self._time, self._logger), this);
            if (watcher.TryAdd(observer, _remove) is { } registration)
            {
                return registration;
            }

            // It closed between the two steps; whoever closed it may not have removed it yet.
            _remove(pool, watcher);
        }
    }

    public void Dispose()
    {
        _tracker.Observed -= Observed;
        _tracker.GapHeard -= GapHeard;
        _settings.Changed -= SettingsChanged;
    }

    private void Observed(PoolHealthSnapshot health)
    {
        if (_watchers.TryGetValue(health.Pool, out var watcher))
        {
            watcher.Tell(health);
        }
    }

    private void GapHeard()
    {
        foreach (var (pool, _) in _watchers)
        {
            _tracker.ReadAgain(pool);
        }
    }

    private void SettingsChanged(PoolId pool)
    {
        if (_watchers.TryGetValue(pool, out var watcher))
        {
            watcher.Rearm();
        }
    }
}
