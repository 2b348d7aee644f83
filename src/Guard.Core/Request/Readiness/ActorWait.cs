using System.Diagnostics.CodeAnalysis;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.State.Actors;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// The one wait of this Guard for one actor, shared by every request that wants it (docs/contract.md, section 4). One loop reads the actor when
/// something changed (and every <c>Readiness:RepairInterval</c> in case an event was lost) and wakes it; one timer and the pool's
/// watcher end single requests. Requests come and go; with the last one the wait closes, while a start that was sent goes on.
/// Thread-safe.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "TearDown ends what it owns; the cancelled source holds nothing")]
internal sealed partial class ActorWait
{
    /// <summary>While a wake is under way the actor is read once in so many repair intervals: the wake, or the queue it waits in for a slot, calls the store in each.</summary>
    private const int WakeReads = 10;

    private readonly ActorWaits _owner;
    private readonly WaitServices _services;
    private readonly ActorId _id;
    private readonly PoolId _pool;
    private readonly string _idText;
    private readonly Pulse _pulse;
    private readonly ITimer _timer;
    private readonly CancellationTokenSource _unwanted = new();
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private PoolHealthSnapshot _health;
    private IDisposable? _watch;
    private ErrorMark? _probeSeen;
    private volatile Wake? _wake;
    private int _wakeGaps;
    private long _probeId;
    private long _startedElsewhere;
    private long _timerDue = long.MaxValue;
    private volatile bool _hadSlot;
    private volatile bool _storeDown = true;
    private bool _closed;

    public ActorWait(ActorWaits owner, ActorRoute route, PoolHealthSnapshot health)
    {
        _owner = owner;
        _services = owner.Services;
        _id = route.Id;
        _idText = route.IdText;
        _pool = route.Pool;
        _health = health;
        _pulse = new Pulse(owner.Services.Time);
        _timer = owner.Services.Time.CreateTimer(static wait => ((ActorWait)wait!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Requests in the wait now; for tests.</summary>
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

    /// <summary>It passed a red pool as the probe: requests for the actor may join it.</summary>
    public bool IsProbe => Volatile.Read(ref _probeId) != 0;

    /// <summary>Adds a request; false when the wait has closed and another one has to be made.</summary>
    /// <param name="waiter">The request.</param>
    /// <param name="probe">The grant the request came in with; null when it needed none.</param>
    public bool TryJoin(Waiter waiter, ProbeGrant? probe)
    {
        bool needsLook;
        lock (_gate)
        {
            if (_closed)
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
            _waiters.Add(waiter);
            ArmTimer(NextDue(waiter));
        }

        if (needsLook)
        {
            _pulse.Set();
        }

        return true;
    }

    /// <summary>
    /// Whether what is known now may end a request that joins. The first one needs no look: the loop begins with one. Nor does one that
    /// wants no more than a request which waits still: what would answer it has not answered that one. So the store is read for the
    /// actor, not for each request.
    /// </summary>
    private bool NeedsLook(Waiter waiter)
    {
        if (_waiters.Count == 0)
        {
            return false;
        }

        if (_services.Time.GetTimestamp() >= waiter.CheckAfter && IsEndedBy(_health, waiter))
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

    /// <summary>Takes a request out because its client left.</summary>
    public void Leave(Waiter waiter)
    {
        bool last;
        lock (_gate)
        {
            if (!_waiters.Remove(waiter))
            {
                return;
            }

            last = CloseIfEmpty();
        }

        waiter.Complete(HoldResult.ClientGone);
        if (last)
        {
            TearDown();
        }
    }

    /// <summary>Something changed: the loop reads the actor again.</summary>
    public void Poke() => _pulse.Set();

    private void HealthObserved(PoolHealthSnapshot health)
    {
        lock (_gate)
        {
            _health = health;
        }

        EndDue();
    }

    /// <summary>The loop. Call once, after the first request joined; ends when the wait closes. Never throws.</summary>
    public async Task RunAsync()
    {
        // Off the caller's stack: the first look may end requests, and tear this down, before the caller has it.
        await Task.Yield();
        try
        {
            var watch = _services.Watchers.Watch(_pool, HealthObserved);
            lock (_gate)
            {
                if (!_closed)
                {
                    _watch = watch;
                    watch = null;
                }
            }

            watch?.Dispose();

            // What was pushed between the request's look at the health and the watch is held by the tracker.
            if (_services.Health.TryGetFresh(_pool, TimeSpan.MaxValue, out var health))
            {
                HealthObserved(health);
            }

            while (!_unwanted.IsCancellationRequested)
            {
                await StepAsync();
                EndDue();

                // A wake, or its queue, looks at the actor as often as that, and the wake ends when it finds what this would.
                var repair = _services.Options.Current.Readiness.RepairInterval;
                await _pulse.WaitAsync(_wake is null ? repair : WakeReads * repair, _unwanted.Token);
            }
        }
        catch (OperationCanceledException) when (_unwanted.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            LogBroke(_services.Logger, e, _idText);
            EndAll(_ => HoldResult.Failed(HoldOutcome.StartFailed, GuardErrors.Internal(null)));
        }
        finally
        {
            EndProbe(success: false);
        }
    }

    private async Task StepAsync()
    {
        if (_wake is { Completion.IsCompleted: true } ended)
        {
            _wake = null;
            Settle(await ended.Completion);
        }

        ActorRecord? actor;
        var gaps = _services.Routes.Gaps;
        try
        {
            actor = await _services.Actors.GetAsync(_id, _pool, _unwanted.Token);
            _storeDown = false;
        }
        catch (StoreUnavailableException)
        {
            // Nothing is known, so nothing ends: requests wait until their deadline for the store to come back. Only what is cached is
            // served on: a runner that could not be reached a moment ago may be asked again when its time has come.
            _storeDown = true;
            if (_services.Routes.Find(_id, _services.Time.GetTimestamp(), out _) is { } cached)
            {
                Release(cached);
            }

            return;
        }

        switch (actor)
        {
            case null:
                EndAll(_ => HoldResult.Failed(HoldOutcome.Destroyed, GuardErrors.ActorNotFound()));
                return;
            case { State: ActorState.Destroyed }:
                EndAll(_ => HoldResult.Failed(HoldOutcome.Destroyed, GuardErrors.DestroyedWhileWaiting(_idText)));
                return;
            case { State: ActorState.Ready or ActorState.Starting }:
                _hadSlot = true;
                _startedElsewhere = actor.State == ActorState.Starting && actor.Starter != _services.Identity.Id ? actor.Generation : 0;
                if (actor.State == ActorState.Ready)
                {
                    // Before the last request leaves and the wait with it: what ends without a word of success is a failed probe.
                    EndProbe(success: true);
                }

                Release(actor, gaps);
                break;
            case { State: ActorState.Crashed, Error: { Kind: ActorErrorKind.Crashed or ActorErrorKind.RunnerNoResponse } error }
                when _startedElsewhere != 0 && actor.Generation >= _startedElsewhere:
                // The other errors come after ready: what was ready may be woken again.
                // The start of another Guard that this wait followed has failed for good, on the runner it saw or on a later one.
                EndAll(waiter => StartFailed(waiter, GuardErrors.ActorFailed(_idText, error)));
                return;
        }

        if (_wake is null && !_unwanted.IsCancellationRequested && await NeedsWakeAsync(actor))
        {
            _wakeGaps = gaps;
            _wake = _services.Starter.Wake(_id, _pool, _unwanted.Token);
            _ = PokeAfterAsync(_wake);
        }
    }

    private async Task PokeAfterAsync(Wake wake)
    {
        await wake.Completion;
        _pulse.Set();
    }

    /// <summary>Nobody is starting it; or this Guard is, and the wait only has to join; or whoever was has died.</summary>
    private async ValueTask<bool> NeedsWakeAsync(ActorRecord actor) => actor.State switch
    {
        var state when ActorLifecycle.IsAtRest(state) => true,
        ActorState.Starting => actor.Starter == _services.Identity.Id || await _services.Liveness.IsDeadAsync(actor.Starter!),
        _ => false,
    };

    private void Settle(WakeOutcome outcome)
    {
        _hadSlot |= outcome.Status is WakeStatus.Ready or WakeStatus.Elsewhere;
        if (outcome.Status == WakeStatus.Elsewhere)
        {
            // A start goes on all the same, and a probe with it.
            _startedElsewhere = outcome.Actor!.Generation;
            return;
        }

        EndProbe(outcome.Status == WakeStatus.Ready);
        switch (outcome.Status)
        {
            case WakeStatus.Ready:
                Release(outcome.Actor!, _wakeGaps);
                break;
            case WakeStatus.Failed when outcome.Error!.Kind == ActorErrorKind.InternalError:
                EndAll(_ => HoldResult.Failed(HoldOutcome.StartFailed, GuardErrors.Internal(null)));
                break;
            case WakeStatus.Failed:
                EndAll(waiter => StartFailed(waiter, GuardErrors.ActorFailed(_idText, outcome.Error!)));
                break;
            case WakeStatus.RetriesExceeded:
                EndAll(waiter => StartFailed(waiter, GuardErrors.WakeRetriesExceeded(_idText, _services.Time.GetElapsedTime(waiter.Arrival))));
                break;
        }
    }

    /// <summary>A red pool is the cause of a failed start, whatever the start itself said.</summary>
    private HoldResult StartFailed(Waiter waiter, GuardError error)
    {
        var mode = _services.Options.Current.FailFast.Mode;
        if (!_health.IsRed || mode == FailFastMode.Off)
        {
            return HoldResult.Failed(HoldOutcome.StartFailed, error);
        }

        if (mode == FailFastMode.Enforce)
        {
            return PoolFailed(_health);
        }

        Report(waiter);
        return HoldResult.Failed(HoldOutcome.StartFailed, error);
    }

    /// <summary>Mode report: counts a request that would have failed, once.</summary>
    private void Report(Waiter waiter)
    {
        if (!waiter.Reported)
        {
            waiter.Reported = true;
            _services.Metrics.FailedFast(_health.ActiveError?.Error.Kind, enforced: false);
        }
    }

    private HoldResult PoolFailed(PoolHealthSnapshot health)
    {
        _services.Metrics.FailedFast(health.ActiveError?.Error.Kind, enforced: true);
        return HoldResult.Failed(HoldOutcome.PoolError, GuardErrors.ActorRunnerFailed(_idText, health, _services.Probes.RetryAfter(_pool)));
    }

    private void EndProbe(bool success)
    {
        var probeId = Interlocked.Exchange(ref _probeId, 0);
        if (probeId != 0)
        {
            lock (_gate)
            {
                _probeSeen = null;
            }

            // Not awaited: no request waits for the store to book it.
            _ = _services.Probes.EndAsync(_pool, probeId, success);
        }
    }

    /// <summary>Publishes the route, then lets those go who may use it now.</summary>
    private void Release(ActorRecord actor, int gaps)
    {
        var route = ActorRoute.From(actor);
        _services.Routes.Put(route, gaps);
        Release(route);
    }

    private void Release(ActorRoute route)
    {
        var now = _services.Time.GetTimestamp();
        End(waiter => waiter.Accepts(route, now) ? HoldResult.Ready(route) : null);
    }

    private void EndAll(Func<Waiter, HoldResult> result) => End(waiter => result(waiter));

    /// <summary>Ends those whose deadline has come, or whom the pool's health ends.</summary>
    private void EndDue()
    {
        var now = _services.Time.GetTimestamp();
        End(waiter => now >= waiter.Deadline ? DeadlineResult(waiter)
            : now >= waiter.CheckAfter && IsEndedBy(_health, waiter) ? PoolResult(waiter)
            : null);
    }

    private HoldResult? PoolResult(Waiter waiter)
    {
        if (_services.Options.Current.FailFast.Mode == FailFastMode.Enforce)
        {
            return PoolFailed(_health);
        }

        Report(waiter);
        return null;
    }

    private HoldResult DeadlineResult(Waiter waiter)
    {
        var waited = _services.Time.GetElapsedTime(waiter.Arrival);
        var wake = _wake;
        var hadSlot = _hadSlot || wake is { HadSlot: true };
        return _storeDown || wake is { StoreDown: true } || (!hadSlot && wake is { HasAsked: false })
                ? HoldResult.Failed(HoldOutcome.Unavailable, GuardErrors.ServiceUnavailable(_idText, waited))
            : hadSlot
                ? HoldResult.Failed(HoldOutcome.Timeout, GuardErrors.ActorReadyTimeout(_idText, waited))
                : HoldResult.Failed(HoldOutcome.NoCapacity, GuardErrors.NoCapacity(_idText, _services.Connects.LastError(_pool) ?? _health.ActiveError?.Error));
    }

    private bool IsEndedBy(PoolHealthSnapshot health, Waiter waiter)
        => health.IsRed
            && !waiter.Reported
            && _services.Options.Current.FailFast.Mode != FailFastMode.Off
            && (waiter.Seen is not { } seen || ErrorMark.Of(health) is not { } error || error.Epoch != seen.Epoch || error.Seq > seen.Seq);

    /// <summary>Takes those out for whom <paramref name="judge"/> has a result and completes them, outside the lock.</summary>
    private void End(Func<Waiter, HoldResult?> judge)
    {
        List<(Waiter Waiter, HoldResult Result)>? ended = null;
        bool last;
        lock (_gate)
        {
            var next = long.MaxValue;
            var kept = 0;
            for (var i = 0; i < _waiters.Count; i++)
            {
                var waiter = _waiters[i];
                if (judge(waiter) is { } result)
                {
                    (ended ??= []).Add((waiter, result));
                }
                else
                {
                    _waiters[kept++] = waiter;
                    next = Math.Min(next, NextDue(waiter));
                }
            }

            _waiters.RemoveRange(kept, _waiters.Count - kept);
            _timerDue = long.MaxValue;
            ArmTimer(next);
            last = CloseIfEmpty();
        }

        foreach (var (waiter, result) in ended ?? [])
        {
            waiter.Complete(result);
        }

        if (last)
        {
            TearDown();
        }
    }

    /// <summary>The next moment at which time alone may end or release the request.</summary>
    private long NextDue(Waiter waiter)
    {
        var now = _services.Time.GetTimestamp();
        var due = waiter.Deadline;
        if (waiter.CheckAfter > now && IsEndedBy(_health, waiter))
        {
            due = Math.Min(due, waiter.CheckAfter);
        }

        return waiter.RetryAt > now ? Math.Min(due, waiter.RetryAt) : due;
    }

    private void ArmTimer(long due)
    {
        if (due >= _timerDue || _closed)
        {
            return;
        }

        _timerDue = due;
        var left = _services.Time.GetElapsedTime(_services.Time.GetTimestamp(), due);
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        EndDue();

        // A retry time may have come: that needs the actor.
        _pulse.Set();
    }

    private bool CloseIfEmpty() => _waiters.Count == 0 && !_closed && (_closed = true);

    private void TearDown()
    {
        _owner.Remove(_id, this);
        _timer.Dispose();
        _watch?.Dispose();
        _unwanted.Cancel();
    }

    [LoggerMessage(EventId = 1, EventName = "WaitBroke", Level = LogLevel.Error, Message = "The wait for actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogBroke(ILogger logger, Exception exception, string actorId);
}
