using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Looks after the pools of the partitions whose lease this Guard holds: runs the jobs of each (<see cref="IPoolJob"/>) when something is due
/// there. Of all Guards of a store one keeps a pool; when it dies, others take its partitions over within <see cref="LeaseTtl"/>. Leases are
/// renewed, and silences asked for, for all pools together; pools are looked at side by side, so that one with much to do delays no other.
/// Where something is under way a pool is looked at every fifth of <c>Runners:LostAfter</c>, 0.2 s at least and 1 s at most, where
/// <see cref="PoolAttention"/> is asked for at once, and else not at all.
/// </summary>
/// <remarks>
/// Silence counts against a runner only while it could have been heard. So nobody is lost before <c>LostAfter</c> of unbroken contact
/// with the store has passed since the lease was taken; contact is broken by a call that fails, or by this process having been stopped
/// for a while (a suspended machine hears no heartbeats).
/// </remarks>
internal sealed partial class PoolKeepers : BackgroundService
{
    /// <summary>How long a lease is held without being renewed. Outlives three lost renewals.</summary>
    public static readonly TimeSpan LeaseTtl = TimeSpan.FromSeconds(4);

    /// <summary>Pools looked at side by side.</summary>
    public const int MostLooks = 64;

    /// <summary>Pools whose silence is asked for in one round trip.</summary>
    private const int MostChecks = 500;

    private static readonly TimeSpan MinPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(1);

    /// <summary>The shortest pause, so that something that is due again and again does not become a loop.</summary>
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Its name in <c>guard_loop_failing</c> and in logs.</summary>
    private const string Loop = "pool_keepers";

    /// <summary>How long giving the leases back may take when this Guard ends.</summary>
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Between two listings of all pools. A new one is heard of; this is the repair.</summary>
    private static readonly TimeSpan ListPeriod = TimeSpan.FromSeconds(5);

    private readonly IPoolUpkeepStore _store;
    private readonly IPoolJob[] _jobs;
    private readonly PoolAttention _attention;
    private readonly GuardIdentity _identity;
    private readonly LiveOptions _options;
    private readonly GuardMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<PoolKeepers> _logger;
    private readonly HeldPartitions _held;
    private readonly Dictionary<PoolId, PoolKeeper> _keepers = [];
    private readonly PriorityQueue<PoolKeeper, long> _due = new();
    private readonly ConcurrentQueue<PoolKeeper> _ended = new();
    private long _lastRound;
    private long? _leasedAt;
    private long? _listedAt;
    private (TimeSpan LostAfter, TimeSpan EligibleAfter) _limits;
    private int _looking;
    private volatile bool _isLeaving;
    private volatile bool _isContactBroken;
    private bool _hasHandedOver;
    private bool _failing;

    /// <param name="jobs">In the order they are done in each look.</param>
    public PoolKeepers(
        IPoolUpkeepStore store, IEnumerable<IPoolJob> jobs, PoolAttention attention, GuardIdentity identity, LiveOptions options, GuardMetrics metrics,
        TimeProvider time, ILogger<PoolKeepers> logger)
    {
        _store = store;
        _jobs = [.. jobs];
        _attention = attention;
        _identity = identity;
        _options = options;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _held = new(identity, time);
    }

    /// <summary>Between two looks at a pool where something is under way.</summary>
    public static TimeSpan Period(TimeSpan lostAfter) => TimeSpan.FromTicks(Math.Clamp(lostAfter.Ticks / 5, MinPeriod.Ticks, MaxPeriod.Ticks));

    /// <summary>Leaves the pools to other Guards at once, because this one is about to end: they replace its connections. Where there is
    /// nobody else it goes on until it is stopped.</summary>
    public void HandOver()
    {
        _isLeaving = true;
        _attention.Wake();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Looks until stopped, where it is called: the host starts it on a thread of its own, a simulation on its own scheduler.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        _lastRound = _time.GetTimestamp();
        await new GuardedLoop(Loop, _metrics, _time, _logger).RunAsync(TimeSpan.Zero, StepAsync, stoppingToken);
        await ReleaseAsync();
    }

    /// <summary>One round, and the pause after it.</summary>
    private async ValueTask StepAsync(CancellationToken stoppingToken)
    {
        var lostAfter = _options.Current.Runners.LostAfter;
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(_lastRound, now) > Stall(lostAfter))
        {
            ContactLost();
        }

        _lastRound = now;
        var pause = await RoundAsync(Period(lostAfter), stoppingToken);
        await _attention.WaitAsync(pause, stoppingToken);
        var left = MinPause - _time.GetElapsedTime(now);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, _time, stoppingToken);
        }
    }

    /// <summary>A gap between two rounds that is too long for heartbeats to have come through.</summary>
    private static TimeSpan Stall(TimeSpan lostAfter)
    {
        var (half, periods) = (lostAfter / 2, Period(lostAfter) * 3);
        return half > periods ? half : periods;
    }

    /// <summary>Renews leases, begins the looks that are due and takes in those that have ended; how long to wait for the next round.</summary>
    private async Task<TimeSpan> RoundAsync(TimeSpan period, CancellationToken cancellationToken)
    {
        try
        {
            Settle(period);
            await LeaseAsync(period, cancellationToken);
            await ListAsync(cancellationToken);
            Attend(period);
            await BeginAsync(period, cancellationToken);
            if (_failing)
            {
                _failing = false;
                _metrics.LoopFailing(Loop, false);
                LogSweepResumed(_logger, _options.Current.Runners.LostAfter);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Not left to the loop: its back-off is longer than a lease.
            ContactLost();
            if (!_failing)
            {
                _failing = true;
                _metrics.LoopFailing(Loop, true);
                LogSweepFailed(_logger, e);
            }

            return period;
        }

        var now = _time.GetTimestamp();
        var pause = period - _time.GetElapsedTime(_leasedAt ?? now, now);
        if (_looking < MostLooks && _due.TryPeek(out _, out var due))
        {
            var left = due <= now ? TimeSpan.Zero : _time.GetElapsedTime(now, due);
            pause = left < pause ? left : pause;
        }

        return pause > MinPause ? pause : MinPause;
    }

    /// <summary>Takes in the looks that have ended.</summary>
    private void Settle(TimeSpan period)
    {
        var isBroken = _isContactBroken;
        _isContactBroken = false;
        while (_ended.TryDequeue(out var keeper))
        {
            _looking--;
            keeper.IsLooking = false;
            if (keeper.IsGone)
            {
                Lose(keeper);
                continue;
            }

            var now = _time.GetTimestamp();

            // Sooner where it was asked for meanwhile.
            keeper.SweepDue = Math.Min(keeper.SweepDue, After(now, keeper.Next));
            keeper.CheckDue = keeper.Found is { } found ? After(now, keeper.NextCheck(found.Silence, Limits(keeper, now))) : long.MaxValue;
            Enqueue(keeper);
        }

        if (isBroken)
        {
            throw new StoreException(StoreFailure.Away, "a pool could not be looked at");
        }
    }

    private async Task LeaseAsync(TimeSpan period, CancellationToken cancellationToken)
    {
        var isLeaving = _isLeaving;
        if (_leasedAt is { } last && _time.GetElapsedTime(last) < period && isLeaving == _hasHandedOver)
        {
            return;
        }

        var asked = _time.GetTimestamp();
        var leases = await _store.LeaseAsync(new(_identity.Id, LeaseTtl, isLeaving), cancellationToken);
        _leasedAt = asked;
        _hasHandedOver = isLeaving;
        var (hasTaken, hasLost) = _held.Update(leases, asked);
        if (hasTaken)
        {
            _listedAt = null;
        }

        if (hasLost)
        {
            var lost = _keepers.Values.Where(k => _held.LeaseOf(k.Id) is null).ToArray();
            Array.ForEach(lost, Leave);
            if (isLeaving && lost.Length > 0)
            {
                LogHandedOver(_logger, lost.Length);
            }
        }
    }

    private void Leave(PoolKeeper keeper)
    {
        _keepers.Remove(keeper.Id);
        keeper.IsGone = true;
        if (!keeper.IsLooking)
        {
            Lose(keeper);
        }
    }

    private void Lose(PoolKeeper keeper)
    {
        // Where the partition has come back meanwhile, another keeper goes on with what the jobs know of the pool.
        if (!_keepers.ContainsKey(keeper.Id))
        {
            Array.ForEach(_jobs, job => job.Lost(keeper.Id));
        }
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        if (_listedAt is { } last && _time.GetElapsedTime(last) < ListPeriod)
        {
            return;
        }

        foreach (var id in await _store.ListPoolsAsync(cancellationToken))
        {
            Keep(id);
        }

        _listedAt = _time.GetTimestamp();
    }

    /// <summary>The keeper of a pool; null when another Guard keeps it.</summary>
    private PoolKeeper? Keep(PoolId id)
    {
        if (_keepers.TryGetValue(id, out var known))
        {
            return known;
        }

        if (_held.LeaseOf(id) is null)
        {
            return null;
        }

        var keeper = _keepers[id] = new(id);
        Enqueue(keeper);
        return keeper;
    }

    /// <summary>Looks that are wanted, or not foreseen: an option was changed, events may have been missed.</summary>
    private void Attend(TimeSpan period)
    {
        var now = _time.GetTimestamp();
        var runners = _options.Current.Runners;
        var areNew = _limits != (runners.LostAfter, runners.EligibleAfter);
        _limits = (runners.LostAfter, runners.EligibleAfter);
        if (areNew)
        {
            foreach (var keeper in _keepers.Values)
            {
                keeper.CheckDue = now;
                Enqueue(keeper);
            }
        }

        if (_attention.TakeGap())
        {
            // Not all in one moment: what was missed is minutes old in the worst case.
            var i = 0;
            foreach (var keeper in _keepers.Values)
            {
                Want(keeper, After(now, ListPeriod * i++ / _keepers.Count));
            }
        }

        foreach (var id in _attention.TakeChanged())
        {
            Want(Keep(id), After(now, period));
        }

        // One whose partition another Guard holds is that Guard's to look at.
        foreach (var id in _attention.Take())
        {
            Want(Keep(id), long.MinValue);
        }
    }

    private void Want(PoolKeeper? keeper, long due)
    {
        if (keeper is not null && due < keeper.SweepDue)
        {
            keeper.SweepDue = due;
            Enqueue(keeper);
        }
    }

    private async Task BeginAsync(TimeSpan period, CancellationToken cancellationToken)
    {
        var now = _time.GetTimestamp();
        var checks = new List<PoolKeeper>();
        while (checks.Count < MostChecks && _due.TryPeek(out var keeper, out var due) && due <= now)
        {
            if (keeper.IsLooking || keeper.IsGone || keeper.Due != due)
            {
                _due.Dequeue();
            }
            else if (keeper.SweepDue > now)
            {
                _due.Dequeue();
                checks.Add(keeper);
            }
            else if (_looking < MostLooks)
            {
                _due.Dequeue();
                Begin(keeper, period, now, cancellationToken);
            }
            else
            {
                break;
            }
        }

        await CheckAsync(checks, period, cancellationToken);
    }

    private async Task CheckAsync(List<PoolKeeper> keepers, TimeSpan period, CancellationToken cancellationToken)
    {
        if (keepers.Count == 0)
        {
            return;
        }

        var now = _time.GetTimestamp();
        foreach (var keeper in keepers)
        {
            // Where the call fails.
            keeper.CheckDue = After(now, period);
            Enqueue(keeper);
        }

        var silences = await _store.GetSilencesAsync([.. keepers.Select(k => k.Id)], cancellationToken);
        now = _time.GetTimestamp();
        for (var i = 0; i < keepers.Count; i++)
        {
            var (keeper, limits) = (keepers[i], Limits(keepers[i], now));
            if (keeper.CallsForSweep(silences[i], limits))
            {
                (keeper.SweepDue, keeper.CheckDue) = (now, long.MaxValue);
            }
            else
            {
                keeper.CheckDue = After(now, keeper.NextCheck(silences[i], limits));
            }

            Enqueue(keeper);
        }
    }

    private void Begin(PoolKeeper keeper, TimeSpan period, long now, CancellationToken cancellationToken)
    {
        if (_held.LeaseOf(keeper.Id) is not { } lease)
        {
            return;
        }

        var limits = Limits(keeper, now);
        var terms = new PoolSweepTerms(keeper.Id, lease, limits.UntilMayLose == TimeSpan.Zero ? limits.LostAfter : TimeSpan.MaxValue);
        keeper.IsLooking = true;
        (keeper.SweepDue, keeper.CheckDue) = (long.MaxValue, long.MaxValue);
        _looking++;
        keeper.Look = LookAsync(keeper, terms, period, cancellationToken);
    }

    /// <summary>Beside the loop. Never throws.</summary>
    private async Task LookAsync(PoolKeeper keeper, PoolSweepTerms terms, TimeSpan period, CancellationToken cancellationToken)
    {
        try
        {
            await keeper.LookAsync(_store, _jobs, terms, period, cancellationToken);
            keeper.IsFailing = false;
        }
        catch (StoreException)
        {
            _isContactBroken = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            if (!keeper.IsFailing)
            {
                keeper.IsFailing = true;
                LogLookFailed(_logger, e, keeper.Id);
            }
        }

        _ended.Enqueue(keeper);
        _attention.Wake();
    }

    private SilenceLimits Limits(PoolKeeper keeper, long now)
        => new(_limits.LostAfter, _limits.EligibleAfter, _held.UntilMayLose(keeper.Id, _limits.LostAfter, now));

    private void Enqueue(PoolKeeper keeper)
    {
        if (!keeper.IsLooking)
        {
            _due.Enqueue(keeper, keeper.Due);
        }
    }

    private void ContactLost()
    {
        _leasedAt = null;
        _held.ContactLost();
    }

    private async Task ReleaseAsync()
    {
        using var deadline = new CancellationTokenSource(ReleaseTimeout, _time);
        try
        {
            await Task.WhenAll(_keepers.Values.Select(k => k.Look)).WaitAsync(deadline.Token);
            await _store.ReleaseAsync(_identity.Id, deadline.Token).AsTask().WaitAsync(deadline.Token);
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            // They run out by themselves.
        }
    }

    private long After(long timestamp, TimeSpan span) => timestamp + (long)(span.TotalSeconds * _time.TimestampFrequency);

    [LoggerMessage(EventId = 4, EventName = "PoolsHandedOver", Level = LogLevel.Information,
        Message = "Going down: {Count} pools are left to other Guards, which replace the connections of this one")]
    private static partial void LogHandedOver(ILogger logger, int count);

    [LoggerMessage(EventId = 2, EventName = "RunnerSweepFailed", Level = LogLevel.Warning,
        Message = "Runners cannot be checked: the store does not answer. No runner is declared lost until it has answered for Runners:LostAfter.")]
    private static partial void LogSweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 3, EventName = "RunnerSweepResumed", Level = LogLevel.Information,
        Message = "The store answers again: silent runners are declared lost from {LostAfter} on.")]
    private static partial void LogSweepResumed(ILogger logger, TimeSpan lostAfter);

    [LoggerMessage(EventId = 5, EventName = "PoolLookFailed", Level = LogLevel.Error,
        Message = "Looking after pool {Pool} failed, and is tried again; this is a bug in Guard, or something else writes to its store")]
    private static partial void LogLookFailed(ILogger logger, Exception exception, PoolId pool);
}
