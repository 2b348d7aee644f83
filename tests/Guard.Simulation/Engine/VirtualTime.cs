namespace Guard.Simulation.Engine;

/// <summary>The simulation's clock as one process has it. Used from another process or thread it fails: that code is not where it belongs.</summary>
internal sealed class VirtualTime(SimProcess process) : TimeProvider
{
    /// <summary>The time of day at which every run begins.</summary>
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Start.AddTicks(Now());

    public override long GetTimestamp() => Now();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Check();
        return new SimTimer(process, callback, state, dueTime, period);
    }

    private long Now()
    {
        Check();
        return process.Scheduler.Now;
    }

    private void Check()
    {
        var scheduler = process.Scheduler;
        if (scheduler.IsHere("asked the time of", process) && scheduler.Current != process)
        {
            throw new InvalidOperationException($"{scheduler.Current?.Name ?? "nobody"} uses the clock of {process}");
        }
    }
}
