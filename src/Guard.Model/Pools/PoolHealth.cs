using Guard.Model.Ids;

namespace Guard.Model.Pools;

/// <summary>
/// The state machine of one pool's health and of the right to probe it while it is red. Immutable and pure: every transition takes the
/// time (Unix ms) and gives the next state, the same instance when nothing changed. Integers and flags only, so that a store's script can
/// do exactly the same. Callers apply <see cref="Expire"/> before any other transition and before reading.
/// <code>
///          ErrorsToTrip errors without a success between
///   green ───────────────────────────────────────────────▶ red ──┐ error: the newest is the active one
///     ▲                                                      │ ◀──┘
///     └──────────────────────────────────────────────────────┘
///       SuccessesToClear successes in a row, or ErrorTtl without an error
/// </code>
/// Version: <see cref="Seq"/> rises by one with each error, success and expiry; probes do not change it, for they say nothing of health.
/// </summary>
internal sealed record PoolHealth
{
    /// <summary>What has been heard since the last probe was granted.</summary>
    internal enum Heard
    {
        Nothing,
        Success,
        Failure,
    }

    /// <summary>Random, never 0; made with the record.</summary>
    public required ulong Epoch { get; init; }

    public long Seq { get; private init; }

    /// <summary>Errors since the last success or expiry.</summary>
    public int Errors { get; private init; }

    /// <summary>Successes since the last error, at most <see cref="PoolHealthRules.SuccessesToClear"/>.</summary>
    public int Successes { get; private init; }

    /// <summary>The last error; on a green pool only until the next success. Null when there is none or it expired.</summary>
    public ActivePoolError? LastError { get; private init; }

    /// <summary>When the pool turned red; 0 while it is green.</summary>
    public long RedSince { get; private init; }

    /// <summary>The probe granted last; 0 when none ever was.</summary>
    public long ProbeId { get; private init; }

    public long ProbeGrantedAt { get; private init; }

    /// <summary>Whether the last probe has not said how it ended.</summary>
    public bool ProbeOpen { get; private init; }

    public Heard HeardSinceProbe { get; private init; }

    public bool IsRed => RedSince != 0;

    /// <summary>Forgets an error nobody repeated: a red pool turns green, and a green one starts to count anew.</summary>
    public PoolHealth Expire(long now, PoolHealthRules rules)
        => LastError is null || now - LastError.Timestamp < rules.ErrorTtl
            ? this
            : this with { Seq = Seq + 1, Errors = 0, LastError = null, RedSince = 0 };

    /// <summary>Counts an error. It ends any run of successes, becomes the active error, and trips a green pool when it is the last one
    /// needed. A red pool stays red since it was.</summary>
    public PoolHealth ReportError(PoolError error, long now, PoolHealthRules rules)
    {
        var seq = Seq + 1;
        var errors = Errors == int.MaxValue ? Errors : Errors + 1;
        return this with
        {
            Seq = seq,
            Errors = errors,
            Successes = 0,
            LastError = new ActivePoolError(error, now, seq),
            RedSince = IsRed ? RedSince : errors >= rules.ErrorsToTrip ? now : 0,
            HeardSinceProbe = Heard.Failure,
        };
    }

    /// <summary>Counts a success. A green pool has no error any more; a red one keeps its active error until the run is long enough to
    /// turn it green.</summary>
    public PoolHealth ReportSuccess(PoolHealthRules rules)
    {
        var successes = Math.Min(Successes, rules.SuccessesToClear - 1) + 1;
        var green = !IsRed || successes >= rules.SuccessesToClear;
        return this with
        {
            Seq = Seq + 1,
            Errors = 0,
            Successes = successes,
            LastError = green ? null : LastError,
            RedSince = green ? 0 : RedSince,
            HeardSinceProbe = Heard.Success,
        };
    }

    /// <summary>
    /// How long until a red pool may be probed, in ms; 0 = now. After a success the next probe waits only for the last one to end;
    /// otherwise the interval counts from the last grant, whether that probe ended or its Guard died with it. A clock that was set back
    /// does not stretch the interval.
    /// </summary>
    public long TimeUntilNextProbe(long now, long interval)
    {
        if (ProbeId == 0 || (!ProbeOpen && HeardSinceProbe == Heard.Success))
        {
            return 0;
        }

        var since = now - ProbeGrantedAt;
        return since < 0 || since >= interval ? 0 : interval - since;
    }

    /// <summary>Grants a probe; only when the pool is red and <see cref="TimeUntilNextProbe"/> is 0. It replaces an older one that is
    /// still open. The grant outlives the red spell: a pool that turns green and red again gets no extra probe.</summary>
    /// <param name="probeId">Unique in the store, never 0.</param>
    /// <param name="now">The time of the grant.</param>
    public PoolHealth GrantProbe(long probeId, long now)
        => this with { ProbeId = probeId, ProbeGrantedAt = now, ProbeOpen = true, HeardSinceProbe = Heard.Nothing };

    /// <summary>Notes how the last probe ended. Without success the interval counts again from its grant, whatever was heard before; with
    /// success the next may follow, unless an error was heard after the grant and no success since. Older and ended probes change nothing.</summary>
    public PoolHealth EndProbe(long probeId, bool success)
    {
        if (probeId != ProbeId || !ProbeOpen)
        {
            return this;
        }

        var heard = !success ? Heard.Failure : HeardSinceProbe == Heard.Nothing ? Heard.Success : HeardSinceProbe;
        return this with { ProbeOpen = false, HeardSinceProbe = heard };
    }

    public PoolHealthSnapshot ToSnapshot(PoolId pool) => new(pool, Epoch, Seq, IsRed, LastError, Successes, RedSince);

    /// <summary>Whether other Guards must hear of the step from <paramref name="before"/> to this: a new colour, a new or vanished error,
    /// or a success on a red pool. Successes of a healthy pool, the common case, are told to nobody.</summary>
    public bool IsNewsAfter(PoolHealth? before)
        => IsRed != (before?.IsRed ?? false)
            || LastError?.Seq != before?.LastError?.Seq
            || (IsRed && Seq != before!.Seq);
}
