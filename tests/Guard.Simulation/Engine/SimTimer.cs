namespace Guard.Simulation.Engine;

/// <summary>A timer of a process: rings as an item of it, among whatever else it has to do at that moment.</summary>
internal sealed class SimTimer : ITimer
{
    private readonly SimProcess _process;
    private readonly TimerCallback _callback;
    private readonly object? _state;
    private TimeSpan _period;
    private long _setting;

    public SimTimer(SimProcess process, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _process = process;
        _callback = callback;
        _state = state;
        Change(dueTime, period);
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        _setting++;
        _period = period;
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _process.Scheduler.SetAlarm(new(this, _setting), _process.Scheduler.Now + dueTime.Ticks);
        }

        return true;
    }

    public void Dispose() => _setting++;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Its time has come.</summary>
    public void Ring()
    {
        var setting = _setting;
        if (_period > TimeSpan.Zero)
        {
            _process.Scheduler.SetAlarm(new(this, setting), _process.Scheduler.Now + _period.Ticks);
        }

        // It may be disposed of or set anew before its item is drawn. A real timer may ring then all the same; to be dropped is as possible.
        _process.Post(static ring => ((Alarm)ring!).Call(), new Alarm(this, setting));
    }

    /// <summary>One setting of a timer; void once the timer is set anew or disposed of.</summary>
    internal sealed record Alarm(SimTimer Timer, long Setting)
    {
        public bool IsSet => Timer._setting == Setting && Timer._process.IsAlive;

        public void Call()
        {
            if (IsSet)
            {
                Timer._callback(Timer._state);
            }
        }
    }
}
