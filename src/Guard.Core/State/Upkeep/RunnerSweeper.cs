using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Looks after the pools whose lease this Guard holds: declares runners lost that were not heard of for <c>Runners:LostAfter</c>, evicts
/// the actors of draining runners, starts what is due to restart, opens and drains connections of serverless pools. Of all Guards of a store one does so per pool; when it dies, another one
/// takes over within <see cref="LeaseTtl"/>. Looks every fifth of <c>LostAfter</c>, 0.2 s at least and 1 s at most, and sooner where
/// something is due sooner, or where <see cref="PoolAttention"/> is asked for.
/// </summary>
/// <remarks>
/// Silence counts against a runner only while it could have been heard. So nobody is lost before <c>LostAfter</c> of unbroken contact
/// with the store has passed since the lease was taken; contact is broken by a look that fails, or by this process having been stopped
/// for a while (a suspended machine hears no heartbeats).
/// </remarks>
internal sealed partial class RunnerSweeper(
    IPoolUpkeepStore store,
    RunnerInbox inbox,
    ActorEvictions evictions,
    ActorRestarts restarts,
    ServerlessPoolManager serverless,
    PoolAttention attention,
    GuardIdentity identity,
    LiveOptions options,
    TimeProvider time,
    ILogger<RunnerSweeper> logger)
    : BackgroundService
{
    /// <summary>How long a lease is held without being renewed, unless a round over all pools takes longer. Outlives three lost looks.</summary>
    public static readonly TimeSpan LeaseTtl = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan MinPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(1);

    /// <summary>Between two looks while actors are being evicted: at the default rate of 100/s, ten at a time.</summary>
    private static readonly TimeSpan EvictionPeriod = TimeSpan.FromMilliseconds(100);

    /// <summary>The shortest pause, so that something that is due again and again does not become a loop.</summary>
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(20);

    /// <summary>How long giving the leases back may take in all when this Guard ends.</summary>
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>How long this Guard, after it handed a lease over, leaves it to others. Each of them looks once a second.</summary>
    private static readonly TimeSpan HandOverPause = TimeSpan.FromSeconds(2.5);

    private readonly Dictionary<PoolId, SweptPool> _pools = [];
    private IReadOnlyList<PoolId>? _listed;
    private long _listedAt;
    private TimeSpan _lastRound;
    private volatile bool _handsOver;
    private bool _failing;

    /// <summary>The time between two looks at a pool where nothing is due.</summary>
    public static TimeSpan Period(TimeSpan lostAfter) => TimeSpan.FromTicks(Math.Clamp(lostAfter.Ticks / 5, MinPeriod.Ticks, MaxPeriod.Ticks));

    /// <summary>Gives the leases of serverless pools back at once, because this Guard is about to end: others replace its connections. Where
    /// there is nobody else it takes them again, and goes on until it is stopped.</summary>
    public void HandOver()
    {
        _handsOver = true;
        attention.Wake();
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Looks until stopped, where it is called: the host starts it on a thread of its own, a simulation on its own scheduler.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var lastRound = time.GetTimestamp();
        try
        {
            while (true)
            {
                var lostAfter = options.Current.Runners.LostAfter;
                var now = time.GetTimestamp();
                if (time.GetElapsedTime(lastRound, now) > Stall(lostAfter))
                {
                    ContactLost();
                }

                lastRound = now;
                var pause = await RoundAsync(lostAfter, stoppingToken);
                _lastRound = time.GetElapsedTime(now);
                await attention.WaitAsync(pause, stoppingToken);
                var left = MinPause - time.GetElapsedTime(now);
                if (left > TimeSpan.Zero)
                {
                    await Task.Delay(left, time, stoppingToken);
                }

                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await ReleaseAsync();
        }
    }

    /// <summary>A gap between two rounds that is too long for heartbeats to have come through.</summary>
    private static TimeSpan Stall(TimeSpan lostAfter)
    {
        var (half, periods) = (lostAfter / 2, Period(lostAfter) * 3);
        return half > periods ? half : periods;
    }

    /// <summary>Looks at every pool whose time has come; how long to wait for the next round.</summary>
    private async Task<TimeSpan> RoundAsync(TimeSpan lostAfter, CancellationToken cancellationToken)
    {
        var pause = Period(lostAfter);
        try
        {
            if (_handsOver)
            {
                _handsOver = false;
                await HandOverAsync(cancellationToken);
            }

            Attend();
            if (_listed is null || time.GetElapsedTime(_listedAt) >= pause)
            {
                (_listed, _listedAt) = (await store.ListPoolsAsync(cancellationToken), time.GetTimestamp());
            }

            foreach (var id in _listed)
            {
                var pool = _pools.TryGetValue(id, out var known) ? known : _pools[id] = new(id);
                if (pool.NextLook <= time.GetTimestamp())
                {
                    await LookAsync(pool, lostAfter, cancellationToken);
                }

                var left = time.GetElapsedTime(time.GetTimestamp(), pool.NextLook);
                pause = left < pause ? left : pause;
            }

            if (_failing)
            {
                _failing = false;
                LogSweepResumed(logger, lostAfter);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Also for a failure nobody foresaw: a sweep that does not run must not take the gateway down with it.
            ContactLost();
            if (!_failing)
            {
                _failing = true;
                LogSweepFailed(logger, e);
            }

            return Period(lostAfter);
        }

        return pause > MinPause ? pause : MinPause;
    }

    private async Task LookAsync(SweptPool pool, TimeSpan lostAfter, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var mayLose = pool.HeldSince is { } since && time.GetElapsedTime(since, began) >= lostAfter;
        var ttl = LeaseTtl > _lastRound * 4 ? LeaseTtl : _lastRound * 4;
        var terms = new PoolSweepTerms(pool.Id, identity.Id, ttl, mayLose ? lostAfter : TimeSpan.MaxValue);
        if (await store.SweepAsync(terms, cancellationToken) is not { } sweep)
        {
            pool.HeldSince = null;
            pool.NextLook = After(began, Period(lostAfter));
            serverless.Lost(pool.Id);
            return;
        }

        if (sweep.IsTaken)
        {
            pool.HeldSince = null;
            evictions.TakeOver(await store.ListStoppingAsync(pool.Id, cancellationToken), cancellationToken);
        }

        pool.HeldSince ??= began;
        foreach (var runner in sweep.Lost)
        {
            LogRunnerLost(logger, runner.RunnerId, runner.Key, runner.Pool.Namespace, runner.Pool.Name, (runner.StopTs - runner.LastPingTs) / 1000.0);
        }

        inbox.DrainedByVersion(pool.Id, sweep.DrainedByVersion);
        evictions.GaveUp(sweep.TimedOut);
        restarts.Begin(pool.Id, sweep.DueRestarts, cancellationToken);
        await serverless.KeepAsync(pool.Id, sweep, cancellationToken);
        var isEvicting = await evictions.StepAsync(pool.Id, sweep.Draining, pool.Pace, cancellationToken);
        var next = isEvicting ? EvictionPeriod : Period(lostAfter);
        pool.NextLook = After(began, sweep.NextRestart is { } restart && restart < next ? restart : next);
    }

    /// <summary>Pools that want a look have it now, if this Guard keeps them; one that is not known yet may be new.</summary>
    private void Attend()
    {
        foreach (var id in attention.Take())
        {
            if (!_pools.TryGetValue(id, out var pool))
            {
                _listed = null;
            }
            else if (pool.HeldSince is not null)
            {
                pool.NextLook = long.MinValue;
            }
        }
    }

    private void ContactLost()
    {
        foreach (var pool in _pools.Values)
        {
            pool.HeldSince = null;
        }
    }

    private async Task HandOverAsync(CancellationToken cancellationToken)
    {
        foreach (var pool in _pools.Values.Where(p => p.HeldSince is not null && serverless.Manages(p.Id)))
        {
            pool.HeldSince = null;
            pool.NextLook = After(time.GetTimestamp(), HandOverPause);
            serverless.Lost(pool.Id);
            await store.ReleaseAsync(pool.Id, identity.Id, cancellationToken);
            LogHandedOver(logger, pool.Id);
        }
    }

    private async Task ReleaseAsync()
    {
        using var deadline = new CancellationTokenSource(ReleaseTimeout, time);
        foreach (var pool in _pools.Values.Where(p => p.HeldSince is not null))
        {
            try
            {
                await store.ReleaseAsync(pool.Id, identity.Id, deadline.Token).AsTask().WaitAsync(deadline.Token);
            }
            catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
            {
                // They run out by themselves.
                return;
            }
        }
    }

    private long After(long timestamp, TimeSpan span) => timestamp + (long)(span.TotalSeconds * time.TimestampFrequency);

    /// <summary>What this Guard knows of a pool. Times are timestamps of the provider.</summary>
    private sealed class SweptPool(PoolId id)
    {
        public PoolId Id { get; } = id;

        /// <summary>Since when the lease is held in unbroken contact with the store; null while it is not.</summary>
        public long? HeldSince { get; set; }

        public long NextLook { get; set; } = long.MinValue;

        public EvictionPace Pace { get; } = new();
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerLost", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} (key {Key}) of pool {Namespace}/{Pool} is lost: no heartbeat for {Seconds:0.0} s. It has probably crashed, hangs, or cannot reach the control endpoint. Its actors follow their crash policy.")]
    private static partial void LogRunnerLost(ILogger logger, string runnerId, string key, string @namespace, string pool, double seconds);

    [LoggerMessage(EventId = 4, EventName = "PoolHandedOver", Level = LogLevel.Information,
        Message = "Going down: pool {Pool} is left to another Guard, which replaces the connections of this one")]
    private static partial void LogHandedOver(ILogger logger, PoolId pool);

    [LoggerMessage(EventId = 2, EventName = "RunnerSweepFailed", Level = LogLevel.Warning,
        Message = "Runners cannot be checked: the store does not answer. No runner is declared lost until it has answered for Runners:LostAfter.")]
    private static partial void LogSweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 3, EventName = "RunnerSweepResumed", Level = LogLevel.Information,
        Message = "The store answers again: silent runners are declared lost from {LostAfter} on.")]
    private static partial void LogSweepResumed(ILogger logger, TimeSpan lostAfter);
}
