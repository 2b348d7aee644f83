using System.Diagnostics;

namespace Guard.Simulation.Engine;

/// <summary>
/// The one thread and the one clock of a simulation. Everything any process does is an item in one list; each step runs one of them,
/// drawn by the seed, to its next await. When none is runnable the clock jumps to the next timer. So a seed is a whole interleaving.
/// </summary>
/// <remarks>
/// Belongs to the thread that made it. What is done on another thread has escaped the schedule: it is noted and ends the run at the next step,
/// since nothing after it can be replayed.
/// </remarks>
internal sealed class Scheduler
{
    /// <summary>Steps without the clock moving that are taken for a loop that never ends.</summary>
    private const int MostStepsPerInstant = 200_000;

    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Random _random;
    private readonly List<Item> _runnable = [];
    private readonly PriorityQueue<SimTimer.Alarm, (long Due, long Order)> _alarms = new();
    private readonly List<SimProcess> _processes = [];
    private volatile string? _escape;
    private long _order;
    private int _stepsNow;

    public Scheduler(int seed, History history)
    {
        _random = new Random(seed);
        History = history;
        history.Clock = () => Now;
    }

    public History History { get; }

    /// <summary>Virtual time since the start, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    public long Steps { get; private set; }

    /// <summary>Whose item runs now; null between steps.</summary>
    public SimProcess? Current { get; private set; }

    /// <summary>Called with what an item threw.</summary>
    public Action<SimProcess, Exception>? Faulted { get; set; }

    public SimProcess NewProcess(string name)
    {
        var process = new SimProcess(this, _processes.Count, name);
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs one item; false when there is nothing to run, now or ever.</summary>
    public bool Step()
    {
        while (true)
        {
            while (_runnable.Count == 0)
            {
                if (!MoveClock())
                {
                    return false;
                }
            }

            var index = _random.Next(_runnable.Count);
            var item = _runnable[index];
            _runnable[index] = _runnable[^1];
            _runnable.RemoveAt(_runnable.Count - 1);
            if (!item.Process.IsAlive)
            {
                continue;
            }

            Steps++;
            History.Mix((ulong)item.Process.Index << 32 | (uint)index);
            if (++_stepsNow > MostStepsPerInstant)
            {
                throw new InvalidOperationException($"{item.Process} never lets the clock move on");
            }

            Execute(item.Process, item.Callback, item.State);
            ThrowIfEscaped();
            return true;
        }
    }

    /// <summary>Runs something as the process, at once: to set the stage, and for what belongs to the step under way.</summary>
    public void Execute(SimProcess process, SendOrPostCallback callback, object? state)
    {
        var (before, context) = (Current, SynchronizationContext.Current);
        Current = process;
        SynchronizationContext.SetSynchronizationContext(process);
        try
        {
            callback(state);
        }
        catch (Exception e)
        {
            (Faulted ?? throw new InvalidOperationException("a step threw", e))(process, e);
        }
        finally
        {
            Current = before;
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    public void Post(SimProcess process, SendOrPostCallback callback, object? state)
    {
        if (!IsHere("posted to", process))
        {
            return;
        }

        if (process.IsPaused)
        {
            process.Kept.Add(new(process, callback, state));
        }
        else if (process.IsAlive)
        {
            _runnable.Add(new(process, callback, state));
        }
    }

    public void SetAlarm(SimTimer.Alarm alarm, long due) => _alarms.Enqueue(alarm, (due, _order++));

    /// <summary>What the process has to do waits until it is resumed.</summary>
    public void Pause(SimProcess process)
    {
        process.IsPaused = true;
        for (var i = _runnable.Count - 1; i >= 0; i--)
        {
            if (_runnable[i].Process == process)
            {
                process.Kept.Add(_runnable[i]);
                _runnable.RemoveAt(i);
            }
        }
    }

    public void Resume(SimProcess process)
    {
        process.IsPaused = false;
        if (process.IsAlive)
        {
            _runnable.AddRange(process.Kept);
        }

        process.Kept.Clear();
    }

    /// <summary>False, and the run is lost, on any other thread than the simulation's.</summary>
    public bool IsHere(string did, SimProcess process)
    {
        if (Environment.CurrentManagedThreadId == _thread)
        {
            return true;
        }

        _escape ??= $"thread {Environment.CurrentManagedThreadId} {did} {process}:\n{new StackTrace(1, fNeedFileInfo: true)}";
        return false;
    }

    public void ThrowIfEscaped()
    {
        if (_escape is { } escape)
        {
            throw new EscapeException(escape);
        }
    }

    /// <summary>To the next moment at which something is due; false when nothing is.</summary>
    private bool MoveClock()
    {
        ThrowIfEscaped();
        while (_alarms.TryPeek(out var next, out var at))
        {
            if (!next.IsSet)
            {
                _alarms.Dequeue();
                continue;
            }

            // A timer that was overtaken while its process was paused is due now.
            Now = Math.Max(Now, at.Due);
            _stepsNow = 0;
            History.Mix((ulong)Now);
            while (_alarms.TryPeek(out var alarm, out at) && at.Due <= Now)
            {
                _alarms.Dequeue();
                if (alarm.IsSet)
                {
                    alarm.Timer.Ring();
                }
            }

            return true;
        }

        return false;
    }

    internal readonly record struct Item(SimProcess Process, SendOrPostCallback Callback, object? State);
}

/// <summary>Something was done off the simulation's thread. Look at the stack for what left it: <c>Task.Run</c>, <c>ContinueWith</c> on the
/// default scheduler, an await that does not keep its context.</summary>
internal sealed class EscapeException(string message) : Exception(message);
