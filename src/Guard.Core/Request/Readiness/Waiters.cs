using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// The requests of one wait: who waits still, whom time or the pool's health ends, and one timer for the next of those moments. Knows
/// neither the store nor the wake. What it decides under its lock are comparisons; answers are made by the caller, outside. Closed for good
/// when the last request is taken out. Thread-safe.
/// </summary>
internal sealed class Waiters
{
    private readonly LiveOptions _options;
    private readonly TimeProvider _time;
    private readonly Action _closed;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private PoolHealthSnapshot _health;
    private ErrorMark? _probeSeen;
    private long _probeId;
    private long _timerDue = long.MaxValue;
    private bool _isClosed;

    /// <param name="options">Of fail-fast.</param>
    /// <param name="time">The clock of every moment.</param>
    /// <param name="health">The pool's, as known now.</param>
    /// <param name="due">Called when time may have ended a request, or made it accept a route it avoids.</param>
    /// <param name="closed">Called once, when the last request has been taken out.</param>
    public Waiters(LiveOptions options, TimeProvider time, PoolHealthSnapshot health, Action due, Action closed)
    {
        _options = options;
        _time = time;
        _health = health;
        _closed = closed;
        _timer = time.CreateTimer(static due => ((Action)due!)(), due, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>The pool's health, as last observed.</summary>
    public PoolHealthSnapshot Health => Volatile.Read(ref _health);

    /// <summary>They passed a red pool as its probe.</summary>
    public bool AreProbe => Volatile.Read(ref _probeId) != 0;

    /// <summary>Adds a request; false when the last one has left.</summary>
    /// <param name="waiter">The request.</param>
    /// <param name="probe">The grant the request came in with: only an error later than that ends those that wait. Null when it needed none.</param>
    /// <param name="needsLook">What is known now may end or release the request.</param>
    public bool TryJoin(Waiter waiter, ProbeGrant? probe, out bool needsLook)
    {
        lock (_gate)
        {
            needsLook = false;
            if (_isClosed)
            {
                return false;
            }

            if (probe is { } grant && _probeId != grant.ProbeId)
            {
                _probeId = grant.ProbeId;
                _probeSeen = ErrorMark.Of(grant.Health);
                foreach (var joined in _waiters)
                {
                    joined.Seen = _probeSeen;
                }
            }

            // Requests that join a probe are ended only by an error later than the one seen at its grant.
            waiter.Seen = _probeSeen ?? waiter.Seen;
            needsLook = probe is not null || NeedsLook(waiter);
            waiter.Place = _waiters.Count;
            _waiters.Add(waiter);
            ArmTimer(NextDue(waiter));
            return true;
        }
    }

    /// <summary>Takes a request out; false when it has been taken out already.</summary>
    public bool Leave(Waiter waiter)
    {
        bool last;
        lock (_gate)
        {
            if (waiter.Place < 0)
            {
                return false;
            }

            Remove(waiter);
            last = CloseIfEmpty();
        }

        Closed(last);
        return true;
    }

    public void Observe(PoolHealthSnapshot health)
    {
        lock (_gate)
        {
            Volatile.Write(ref _health, health);
        }
    }

    /// <summary>Ends the probe: any new error ends those that come from now on. Returns its id; 0 when they are none.</summary>
    public long TakeProbe()
    {
        lock (_gate)
        {
            var probeId = _probeId;
            (_probeId, _probeSeen) = (0, null);
            return probeId;
        }
    }

    /// <summary>Takes out those that may go to the route now.</summary>
    public List<Waiter> TakeAccepting(ActorRoute route)
    {
        var now = _time.GetTimestamp();
        return Take((waiter, _) => waiter.Accepts(route, now) ? Verdict.Take : Verdict.Keep).Taken;
    }

    /// <summary>Takes out all.</summary>
    public List<Waiter> TakeAll() => Take(static (_, _) => Verdict.Take).Taken;

    /// <summary>Takes out those whose deadline has come, and those whom the pool's health ends.</summary>
    /// <returns>The first, the second, and how many the health would have ended had it been enforced: each is counted once.</returns>
    public (List<Waiter> Late, List<Waiter> Failed, int Reported) TakeDue()
    {
        var now = _time.GetTimestamp();
        var enforces = _options.Current.FailFast.Mode == FailFastMode.Enforce;
        List<Waiter> failed = [];
        var reported = 0;
        var (late, _) = Take((waiter, health) =>
        {
            if (now >= waiter.Deadline)
            {
                return Verdict.Take;
            }

            if (now < waiter.CheckAfter || !IsEndedBy(health, waiter))
            {
                return Verdict.Keep;
            }

            if (enforces)
            {
                failed.Add(waiter);
                return Verdict.Drop;
            }

            waiter.Reported = true;
            reported++;
            return Verdict.Keep;
        });
        return (late, failed, reported);
    }

    /// <summary>Whether the time of a request that avoids a route has come.</summary>
    public bool HasRetryDue()
    {
        var now = _time.GetTimestamp();
        lock (_gate)
        {
            return _waiters.Exists(w => w.RetryAt != 0 && w.RetryAt <= now);
        }
    }

    /// <summary>
    /// Whether what is known now may end a request that joins. The first one needs no look: the wake begins with one. A look is skipped as
    /// well if an earlier waiter accepts every route this one would. So the store is read for the actor, not for each request.
    /// </summary>
    private bool NeedsLook(Waiter waiter)
    {
        if (_waiters.Count == 0)
        {
            return false;
        }

        if (_time.GetTimestamp() >= waiter.CheckAfter && IsEndedBy(_health, waiter))
        {
            return true;
        }

        // From the last: those that come together mostly want the same.
        for (var i = _waiters.Count - 1; i >= 0; i--)
        {
            if (_waiters[i].AcceptsAllOf(waiter))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsEndedBy(PoolHealthSnapshot health, Waiter waiter)
        => health.IsRed
            && !waiter.Reported
            && _options.Current.FailFast.Mode != FailFastMode.Off
            && (waiter.Seen is not { } seen || ErrorMark.Of(health) is not { } error || error.Epoch != seen.Epoch || error.Seq > seen.Seq);

    private (List<Waiter> Taken, bool IsLast) Take(Func<Waiter, PoolHealthSnapshot, Verdict> judge)
    {
        List<Waiter> taken = [];
        bool last;
        lock (_gate)
        {
            var next = long.MaxValue;
            var kept = 0;
            for (var i = 0; i < _waiters.Count; i++)
            {
                var waiter = _waiters[i];
                var verdict = judge(waiter, _health);
                if (verdict == Verdict.Keep)
                {
                    waiter.Place = kept;
                    _waiters[kept++] = waiter;
                    next = Math.Min(next, NextDue(waiter));
                    continue;
                }

                waiter.Place = -1;
                if (verdict == Verdict.Take)
                {
                    taken.Add(waiter);
                }
            }

            _waiters.RemoveRange(kept, _waiters.Count - kept);
            _timerDue = long.MaxValue;
            ArmTimer(next);
            last = CloseIfEmpty();
        }

        Closed(last);
        return (taken, last);
    }

    private void Remove(Waiter waiter)
    {
        var last = _waiters[^1];
        _waiters[waiter.Place] = last;
        last.Place = waiter.Place;
        _waiters.RemoveAt(_waiters.Count - 1);
        waiter.Place = -1;
    }

    private bool CloseIfEmpty() => _waiters.Count == 0 && !_isClosed && (_isClosed = true);

    private void Closed(bool last)
    {
        if (last)
        {
            _timer.Dispose();
            _closed();
        }
    }

    /// <summary>The next moment at which time alone may end or release the request.</summary>
    private long NextDue(Waiter waiter)
    {
        var now = _time.GetTimestamp();
        var due = waiter.Deadline;
        if (waiter.CheckAfter > now && IsEndedBy(_health, waiter))
        {
            due = Math.Min(due, waiter.CheckAfter);
        }

        return waiter.RetryAt > now ? Math.Min(due, waiter.RetryAt) : due;
    }

    private void ArmTimer(long due)
    {
        if (due >= _timerDue || _isClosed)
        {
            return;
        }

        _timerDue = due;
        var left = _time.GetElapsedTime(_time.GetTimestamp(), due);
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private enum Verdict
    {
        Keep,

        /// <summary>Take it out and return it.</summary>
        Take,

        /// <summary>Take it out; the judge keeps it.</summary>
        Drop,
    }
}
