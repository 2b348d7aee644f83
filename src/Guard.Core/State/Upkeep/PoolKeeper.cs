using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// One pool that this Guard keeps: when it is to be looked at, and a look. What is due at a time of its own the last sweep has told; what
/// changes in between the feed tells. Heartbeats are the exception, they move what is due and are not told: when a runner might be
/// silent for too long, its last heartbeat is asked for first. Scheduling is the loop's; a look runs beside it. Times are timestamps
/// of the provider.
/// </summary>
internal sealed class PoolKeeper(PoolId id)
{
    /// <summary>Between two sweeps of a pool where nothing happens: a repair, should an event have been lost without a gap.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(30);

    private readonly EvictionPace _pace = new();
    private bool _hasVersions;

    public PoolId Id { get; } = id;

    /// <summary>When the next sweep is due.</summary>
    public long SweepDue { get; set; } = long.MinValue;

    /// <summary>When the longest silence is to be asked for.</summary>
    public long CheckDue { get; set; } = long.MaxValue;

    public long Due => Math.Min(SweepDue, CheckDue);

    /// <summary>The look that is under way, or the last one; never faulted.</summary>
    public Task Look { get; set; } = Task.CompletedTask;

    public bool IsLooking { get; set; }

    /// <summary>Its partition is another Guard's now.</summary>
    public bool IsGone { get; set; }

    /// <summary>The last look failed for a reason that is this pool's.</summary>
    public bool IsFailing { get; set; }

    /// <summary>What the last sweep found; null when it failed, or the fence refused it.</summary>
    public PoolSweep? Found { get; private set; }

    /// <summary>Until the next sweep, as the last look found.</summary>
    public TimeSpan Next { get; private set; }

    /// <summary>Sweeps the pool and does what there is to do.</summary>
    public async Task LookAsync(
        IPoolUpkeepStore store, IReadOnlyList<IPoolJob> jobs, PoolSweepTerms terms, TimeSpan period, CancellationToken cancellationToken)
    {
        (Found, Next) = (null, period);
        if (await store.SweepAsync(terms, cancellationToken) is not { } sweep)
        {
            foreach (var job in jobs)
            {
                job.Lost(Id);
            }

            return;
        }

        var look = new PoolLook(Id, terms.Lease, sweep, _pace, period);
        var next = sweep.NextDeadline is { } deadline && deadline < Rest ? deadline : Rest;
        foreach (var job in jobs)
        {
            var wanted = await job.RunAsync(look, cancellationToken);
            next = wanted < next ? wanted : next;
        }

        _hasVersions = sweep.HasVersions;
        (Found, Next) = (sweep, next);
    }

    /// <summary>Whether a silence calls for a sweep.</summary>
    /// <param name="silence">The longest of the pool's runners; null when none has to be heard of.</param>
    /// <param name="limits">See <see cref="SilenceLimits"/>.</param>
    public bool CallsForSweep(TimeSpan? silence, in SilenceLimits limits)
        => silence > limits.LostAfter ? limits.UntilMayLose == TimeSpan.Zero : _hasVersions && silence >= limits.EligibleAfter;

    /// <summary>Until a runner may be silent for too long, where no sweep is called for now. One that registers meanwhile is heard of later.</summary>
    public TimeSpan NextCheck(TimeSpan? silence, in SilenceLimits limits)
    {
        var known = silence ?? TimeSpan.Zero;
        if (_hasVersions && known < limits.EligibleAfter)
        {
            return limits.EligibleAfter - known;
        }

        return known <= limits.LostAfter ? limits.LostAfter - known + Tick : limits.UntilMayLose + Tick;
    }

    /// <summary>A runner is lost when it is silent for longer than it may be, not for as long.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
}

/// <param name="LostAfter">From a longer silence on a runner is lost.</param>
/// <param name="EligibleAfter">From which silence on it gets no new actors.</param>
/// <param name="UntilMayLose">Until runners may be declared lost at all.</param>
internal readonly record struct SilenceLimits(TimeSpan LostAfter, TimeSpan EligibleAfter, TimeSpan UntilMayLose);
