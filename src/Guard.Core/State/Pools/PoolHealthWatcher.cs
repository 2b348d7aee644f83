using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Pools;

/// <summary>
/// Watches one pool for all that wait for its actors: one timer and one read per poll interval, whatever their number. Lives from the
/// first observer to the last; a closed watcher is never opened again. Thread-safe.
/// </summary>
internal sealed partial class PoolHealthWatcher(
    PoolId pool, PoolHealthTracker tracker, PoolSettingsSource settings, TimeProvider time, ILogger logger)
{
    /// <summary>No configuration makes Guard poll faster than this.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>When a shorter interval has passed already. Not zero: no timer may fire inside the lock that sets it.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly List<Registration> _observers = [];
    private ITimer? _timer;
    private TimeSpan _interval;
    private long _lastTick;
    private bool _closed;

    /// <summary>Adds an observer; null when the watcher has closed.</summary>
    /// <param name="observer">Who wants to hear.</param>
    /// <param name="closed">Called outside the lock when the last observer has gone.</param>
    public IDisposable? TryAdd(Action<PoolHealthSnapshot> observer, Action<PoolId, PoolHealthWatcher> closed)
    {
        var interval = CurrentInterval();
        lock (_gate)
        {
            if (_closed)
            {
                return null;
            }

            if (_timer is null)
            {
                Arm(interval);
            }

            var registration = new Registration(this, observer, closed) { Index = _observers.Count };
            _observers.Add(registration);
            return registration;
        }
    }

    /// <summary>Tells every observer, in the caller's thread.</summary>
    public void Tell(PoolHealthSnapshot health)
    {
        Registration[] observers;
        lock (_gate)
        {
            observers = [.. _observers];
        }

        foreach (var registration in observers)
        {
            try
            {
                registration.Tell(health);
            }
            catch (Exception e)
            {
                // One observer's bug must not leave the others waiting.
                LogObserverFailed(logger, e, pool);
            }
        }
    }

    /// <summary>Takes over a changed interval; what has passed of the old one counts.</summary>
    public void Rearm()
    {
        var interval = CurrentInterval();
        lock (_gate)
        {
            if (_timer is null || interval == _interval)
            {
                return;
            }

            _interval = interval;
            var due = interval - time.GetElapsedTime(_lastTick);
            _timer.Change(due > Overdue ? due : Overdue, interval);
        }
    }

    private void Arm(TimeSpan interval)
    {
        // The timer outlives the request that happened to come first: it must not carry that request's context.
        var restore = ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow();
        try
        {
            _interval = interval;
            _lastTick = time.GetTimestamp();
            _timer = time.CreateTimer(static state => ((PoolHealthWatcher)state!).Tick(), this, _interval, _interval);
        }
        finally
        {
            restore?.Undo();
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _lastTick = time.GetTimestamp();
        }

        // Also the repair for a change of settings nobody told of.
        Rearm();
        tracker.Refresh(pool, settings.Get(pool).CacheTtl);
    }

    private TimeSpan CurrentInterval()
    {
        var interval = settings.Get(pool).PollInterval;
        return interval > ShortestInterval ? interval : ShortestInterval;
    }

    private void Remove(Registration registration)
    {
        lock (_gate)
        {
            if (registration.Index < 0)
            {
                return;
            }

            // The last one takes the free place: leaving costs the same however many watch.
            var last = _observers[^1];
            _observers[registration.Index] = last;
            last.Index = registration.Index;
            _observers.RemoveAt(_observers.Count - 1);
            registration.Index = -1;
            if (_observers.Count > 0)
            {
                return;
            }

            _closed = true;
            _timer?.Dispose();
            _timer = null;
        }

        registration.Closed(pool, this);
    }

    [LoggerMessage(1, LogLevel.Error, "An observer of pool {Pool} threw; this is a bug in Guard.", EventName = "PoolHealthObserverFailed")]
    private static partial void LogObserverFailed(ILogger logger, Exception exception, PoolId pool);

    private sealed class Registration(PoolHealthWatcher watcher, Action<PoolHealthSnapshot> observer, Action<PoolId, PoolHealthWatcher> closed) : IDisposable
    {
        private volatile bool _left;

        /// <summary>Its place in the list; -1 once it has left. Under the watcher's lock.</summary>
        public int Index { get; set; }

        public Action<PoolId, PoolHealthWatcher> Closed { get; } = closed;

        public void Tell(PoolHealthSnapshot health)
        {
            if (!_left)
            {
                observer(health);
            }
        }

        public void Dispose()
        {
            _left = true;
            watcher.Remove(this);
        }
    }
}
