using System.Diagnostics.CodeAnalysis;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Model.Ids;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// Counts the requests this Guard holds, in all, per pool and per actor, against <c>Readiness:MaxHeld*</c>, and takes none while memory is short. A place is free again as soon
/// as <see cref="Exit"/> returns. Thread-safe.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Lives as long as the process; the source holds nothing")]
internal sealed class HoldLimiter(LiveOptions options, GuardMetrics metrics, MemoryPressure memory)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PoolId, int> _perPool = [];
    private readonly Dictionary<ActorId, int> _perActor = [];
    private readonly CancellationTokenSource _closing = new();
    private int _all;

    /// <summary>Fires when nobody may wait any longer: this Guard ends. Who waits then is answered with <c>guard.service_unavailable</c>.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>Requests held now.</summary>
    public int Held
    {
        get
        {
            lock (_gate)
            {
                return _all;
            }
        }
    }

    /// <summary>Ends every hold, also those that would begin later.</summary>
    public void Close() => _closing.Cancel();

    /// <summary>Takes a place; the error when there is none.</summary>
    public GuardError? TryEnter(PoolId pool, ActorId actor)
    {
        if (memory.ShedsHolds)
        {
            return Shed();
        }

        var limits = options.Current.Readiness;
        (int Limit, string Scope) full;
        lock (_gate)
        {
            var inPool = _perPool.GetValueOrDefault(pool);
            var ofActor = _perActor.GetValueOrDefault(actor);
            if (ofActor >= limits.MaxHeldPerActor)
            {
                full = (limits.MaxHeldPerActor, "actor");
            }
            else if (inPool >= limits.MaxHeldPerPool)
            {
                full = (limits.MaxHeldPerPool, "pool");
            }
            else if (_all >= limits.MaxHeld)
            {
                full = (limits.MaxHeld, "all");
            }
            else
            {
                _all++;
                _perPool[pool] = inPool + 1;
                _perActor[actor] = ofActor + 1;
                return null;
            }
        }

        metrics.HoldRejected(full.Scope);
        return GuardErrors.HoldLimitReached(full.Limit, full.Scope);
    }

    /// <summary>Takes a place for a request whose actor is not known yet, which counts only among all.</summary>
    public GuardError? TryEnterUnrouted()
    {
        if (memory.ShedsHolds)
        {
            return Shed();
        }

        var limit = options.Current.Readiness.MaxHeld;
        lock (_gate)
        {
            if (_all < limit)
            {
                _all++;
                return null;
            }
        }

        metrics.HoldRejected("all");
        return GuardErrors.HoldLimitReached(limit, "all");
    }

    public void ExitUnrouted()
    {
        lock (_gate)
        {
            _all--;
        }
    }

    public void Exit(PoolId pool, ActorId actor)
    {
        lock (_gate)
        {
            _all--;
            Release(_perPool, pool);
            Release(_perActor, actor);
        }
    }

    private GuardError Shed()
    {
        metrics.HoldRejected("memory");
        return GuardErrors.HoldLimitReached(null, "memory");
    }

    private static void Release<TKey>(Dictionary<TKey, int> counts, TKey key)
        where TKey : notnull
    {
        var left = counts[key] - 1;
        if (left == 0)
        {
            counts.Remove(key);
        }
        else
        {
            counts[key] = left;
        }
    }
}
