namespace Guard.Simulation.Engine;

/// <summary>
/// A process of the simulated world: whatever it awaits goes on in its own context, and its timers ring there. Killed, it never does
/// anything again: what it had to do, its timers and what still arrives for it are dropped.
/// </summary>
internal sealed class SimProcess : SynchronizationContext
{
    private readonly SortedDictionary<long, Action> _whenKilled = [];
    private long _registrations;

    public SimProcess(Scheduler scheduler, int index, string name)
    {
        Scheduler = scheduler;
        Index = index;
        Name = name;
        Time = new VirtualTime(this);
    }

    public Scheduler Scheduler { get; }

    /// <summary>Its place in the order of birth.</summary>
    public int Index { get; }

    public string Name { get; }

    /// <summary>The common clock, with timers that ring in this process.</summary>
    public TimeProvider Time { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>Set through the scheduler.</summary>
    public bool IsPaused { get; set; }

    /// <summary>What came up while it was paused.</summary>
    public List<Scheduler.Item> Kept { get; } = [];

    public void Kill()
    {
        IsAlive = false;
        IsPaused = false;
        Kept.Clear();
        foreach (var action in _whenKilled.Values.ToArray())
        {
            action();
        }

        _whenKilled.Clear();
    }

    /// <summary>Registers what others learn by its death; <see cref="Forget"/> takes it back.</summary>
    public long OnKilled(Action action)
    {
        _whenKilled.Add(++_registrations, action);
        return _registrations;
    }

    public void Forget(long registration) => _whenKilled.Remove(registration);

    public override void Post(SendOrPostCallback d, object? state) => Scheduler.Post(this, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nothing may block");

    public override SynchronizationContext CreateCopy() => this;

    public void Post(Action action) => Post(static action => ((Action)action!)(), action);

    /// <summary>Runs the action as this process after a delay of virtual time, unless it is dead by then.</summary>
    public void After(TimeSpan delay, Action action)
        => _ = new SimTimer(this, static action => ((Action)action!)(), action, delay, Timeout.InfiniteTimeSpan);

    /// <summary>Runs a task of this process from the next step on; what it throws ends the simulation.</summary>
    public void Run(Func<Task> body) => Post(static state =>
    {
        var (process, body) = ((SimProcess, Func<Task>))state!;
        _ = GuardAsync(process, body);
    }, (this, body));

    public override string ToString() => Name;

    private static async Task GuardAsync(SimProcess process, Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (Exception e)
        {
            (process.Scheduler.Faulted ?? throw new InvalidOperationException("a task threw", e))(process, e);
        }
    }
}
