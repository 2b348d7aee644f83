using System.Security.Cryptography;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>
/// Pool health in this process. Never fails and never waits. Thread-safe. A change is published after the lock is released, so two
/// changes made at once may be heard in either order; their versions tell.
/// </summary>
/// <param name="time">The clock of reports, expiry and probes.</param>
/// <param name="storeRules">Asked at each call: new rules count from the next one.</param>
/// <param name="publish">Told of each change other parts must hear of (<see cref="PoolHealth.IsNewsAfter"/>), on the caller's thread.</param>
/// <param name="random">Draws epochs; seeded in simulations. Null = cryptographic.</param>
internal sealed class MemoryPoolHealthStore(
    TimeProvider time, Func<StoreRules> storeRules, Action<PoolHealthSnapshot> publish, Random? random = null) : IPoolHealthStore
{
    /// <summary>A green pool without error that nobody reported on for so long (ms) may be forgotten; a later report makes a new epoch.
    /// Far longer than any probe interval, so that forgetting grants no early probe.</summary>
    private const long ForgetAfter = 3_600_000;

    private const int FirstSweep = 1024;

    /// <summary>The largest integer scripts and JSON readers can hold exactly.</summary>
    private const long MaxExact = 1L << 53;

    private readonly Lock _gate = new();
    private readonly Dictionary<PoolId, (PoolHealth Health, long TouchedAt)> _pools = [];
    private int _sweepAt = FirstSweep;
    private long _lastProbeId;

    private delegate PoolHealth? Transition<TArgument>(PoolHealth? health, TArgument argument, long now, PoolHealthRules rules);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
        => cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<PoolHealthSnapshot>(cancellationToken)
            : new(Snapshot(pool, Apply(pool, 0, static (health, _, _, _) => health)));

    /// <inheritdoc/>
    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<PoolHealthSnapshot>(cancellationToken)
            : new(Snapshot(pool, Apply(
                pool,
                error.Truncate(storeRules().MaxErrorBytes),
                (health, error, now, rules) => (health ?? NewRecord()).ReportError(error, now, rules))));

    /// <inheritdoc/>
    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<PoolHealthSnapshot>(cancellationToken)
            : new(Snapshot(pool, Apply(pool, 0, ReportSuccess)));

    /// <summary>Counts a success as a part of an actor's transition, under the locks of whoever makes it. What others must hear of is
    /// returned, for the caller to publish once it holds no lock; null when nothing is.</summary>
    public IReadOnlyList<PoolHealthSnapshot>? CountSuccess(PoolId pool)
    {
        Change(pool, 0, ReportSuccess, out var news);
        return news;
    }

    /// <inheritdoc/>
    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ProbeGrant>(cancellationToken);
        }

        var probeId = Interlocked.Increment(ref _lastProbeId);
        var intervalMs = (long)interval.TotalMilliseconds;
        var health = Apply(pool, (probeId, intervalMs), static (health, probe, now, _)
            => health is { IsRed: true } && health.TimeUntilNextProbe(now, probe.intervalMs) == 0
                ? health.GrantProbe(probe.probeId, now)
                : health);
        var snapshot = Snapshot(pool, health);
        if (health is not { IsRed: true })
        {
            return new(new ProbeGrant(0, snapshot, TimeSpan.Zero));
        }

        return new(health.ProbeId == probeId
            ? new ProbeGrant(probeId, snapshot, TimeSpan.Zero)
            : new ProbeGrant(0, snapshot, TimeSpan.FromMilliseconds(health.TimeUntilNextProbe(Now, intervalMs))));
    }

    /// <inheritdoc/>
    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken)
        => cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<long>(cancellationToken)
            : new(Apply(pool, 0, static (health, _, _, _) => health) is { IsRed: true, ProbeOpen: true } health ? health.ProbeId : 0);

    /// <inheritdoc/>
    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        Apply(pool, (probeId, success), static (health, probe, _, _) => health?.EndProbe(probe.probeId, probe.success));
        return default;
    }

    private PoolHealth ReportSuccess(PoolHealth? health, int none, long now, PoolHealthRules rules) => (health ?? NewRecord()).ReportSuccess(rules);

    private static PoolHealthSnapshot Snapshot(PoolId pool, PoolHealth? health) => health?.ToSnapshot(pool) ?? PoolHealthSnapshot.Unknown(pool);

    private PoolHealth NewRecord()
    {
        Span<byte> bytes = stackalloc byte[8];
        if (random is null)
        {
            RandomNumberGenerator.Fill(bytes);
        }
        else
        {
            random.NextBytes(bytes);
        }

        return new PoolHealth { Epoch = (BitConverter.ToUInt64(bytes) % (MaxExact - 1)) + 1 };
    }

    private PoolHealth? Apply<TArgument>(PoolId pool, TArgument argument, Transition<TArgument> transition)
    {
        var after = Change(pool, argument, transition, out var news);
        news?.ForEach(publish);
        return after;
    }

    private PoolHealth? Change<TArgument>(PoolId pool, TArgument argument, Transition<TArgument> transition, out List<PoolHealthSnapshot>? news)
    {
        news = null;
        var rules = storeRules().Health;
        PoolHealth? before;
        PoolHealth? after;
        lock (_gate)
        {
            var now = Now;
            before = _pools.TryGetValue(pool, out var held) ? held.Health : null;
            after = transition(before?.Expire(now, rules), argument, now, rules);
            if (after is not null && !ReferenceEquals(after, before))
            {
                if (before is null && _pools.Count >= _sweepAt)
                {
                    news = Sweep(now, rules);
                }

                _pools[pool] = (after, now);
            }
        }

        if (after is not null && !ReferenceEquals(after, before) && after.IsNewsAfter(before))
        {
            (news ??= []).Insert(0, after.ToSnapshot(pool));
        }

        return after;
    }

    /// <summary>Forgets what nobody needs any more. Runs each time the number of records has doubled: a record pays for itself once.</summary>
    private List<PoolHealthSnapshot> Sweep(long now, PoolHealthRules rules)
    {
        List<PoolHealthSnapshot> expired = [];
        foreach (var (pool, (health, touchedAt)) in _pools)
        {
            var after = health.Expire(now, rules);
            if (!ReferenceEquals(after, health))
            {
                _pools[pool] = (after, now);
                expired.Add(after.ToSnapshot(pool));
            }
            else if (health is { IsRed: false, LastError: null } && now - touchedAt >= ForgetAfter)
            {
                _pools.Remove(pool);
            }
        }

        _sweepAt = Math.Max(FirstSweep, _pools.Count * 2);
        return expired;
    }
}
