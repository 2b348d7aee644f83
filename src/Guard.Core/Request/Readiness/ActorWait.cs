using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.State.Actors;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// The one wait of this Guard for one actor, shared by every request that wants it: its <see cref="Waiters"/>, the wake that they listen to,
/// and the pool's probe they may be. Requests come and go; with the last one the wait closes, while a start that was sent goes on.
/// Thread-safe.
/// </summary>
internal sealed class ActorWait
{
    private readonly ActorWaits _owner;
    private readonly WaitServices _services;
    private readonly ActorRoute _route;
    private readonly Waiters _waiters;
    private readonly WakeListener _listener;
    private readonly Lock _gate = new();
    private IDisposable? _watch;
    private bool _isClosed;
    private volatile ActorWake? _wake;

    public ActorWait(ActorWaits owner, ActorRoute route, PoolHealthSnapshot health)
    {
        _owner = owner;
        _services = owner.Services;
        _route = route;
        _waiters = new(_services.Options, _services.Time, health, OnTimer, TearDown);
        _listener = new(() => _services.Routes.Gaps, Told);
    }

    /// <summary>Requests in the wait now; for tests.</summary>
    public int Count => _waiters.Count;

    /// <summary>It passed a red pool as the probe: requests for the actor may join it.</summary>
    public bool IsProbe => _waiters.AreProbe;

    /// <summary>Adds a request; false when the wait has closed and another one has to be made.</summary>
    /// <param name="waiter">The request.</param>
    /// <param name="probe">The grant the request came in with; null when it needed none.</param>
    public bool TryJoin(Waiter waiter, ProbeGrant? probe)
    {
        if (!_waiters.TryJoin(waiter, probe, out var needsLook))
        {
            return false;
        }

        if (needsLook)
        {
            _wake?.Poke();
        }

        return true;
    }

    /// <summary>Takes a request out because its client left.</summary>
    public void Leave(Waiter waiter)
    {
        if (_waiters.Leave(waiter))
        {
            waiter.Complete(HoldResult.ClientGone);
        }
    }

    /// <summary>Joins the actor's wake and watches the pool's health. Call once, after the first request joined.</summary>
    public void Begin()
    {
        var wake = _services.Starter.Wake(_route.Id, _route.Pool, _listener);
        _wake = wake;
        var watch = _services.Watchers.Watch(_route.Pool, HealthObserved);
        bool isClosed;
        lock (_gate)
        {
            isClosed = _isClosed;
            _watch = watch;
        }

        if (isClosed)
        {
            // The last request left before the wait had these.
            watch.Dispose();
            wake.Leave(_listener);
        }

        // What was pushed between the request's look at the health and the watch is held by the tracker.
        if (_services.Health.TryGetFresh(_route.Pool, TimeSpan.MaxValue, out var health))
        {
            HealthObserved(health);
        }
    }

    private void HealthObserved(PoolHealthSnapshot health)
    {
        _waiters.Observe(health);
        EndDue();
    }

    private void OnTimer()
    {
        EndDue();
        if (_waiters.HasRetryDue())
        {
            // A request would take now what it avoided: that needs the actor.
            _wake?.Poke();
        }
    }

    private void Told(WakeNews news)
    {
        switch (news.Kind)
        {
            case WakeNewsKind.HasRunner:
                if (news.Actor!.State == ActorState.Ready)
                {
                    // Before the last request leaves and the wait with it: what ends without a word of success is a failed probe.
                    EndProbe(success: true);
                }

                var route = ActorRoute.From(news.Actor);
                _services.Routes.Put(route, news.Mark);
                Release(route);
                break;
            case WakeNewsKind.StoreAway:
                // Nothing is known, so nothing ends: requests wait until their deadline for the store to come back. Only what is cached is
                // served on: a runner that could not be reached a moment ago may be asked again when its time has come.
                if (_services.Routes.Find(_route.Id, _services.Time.GetTimestamp(), out _) is { } cached)
                {
                    Release(cached);
                }

                break;
            case WakeNewsKind.Gone:
                EndProbe(success: false);
                var gone = news.Actor is null ? GuardErrors.ActorNotFound() : GuardErrors.DestroyedWhileWaiting(_route.IdText);
                Complete(_waiters.TakeAll(), _ => HoldResult.Failed(HoldOutcome.Destroyed, gone));
                break;
            case WakeNewsKind.Failed when news.Error!.Kind == ActorErrorKind.InternalError:
                EndProbe(success: false);
                Complete(_waiters.TakeAll(), static _ => HoldResult.Failed(HoldOutcome.StartFailed, GuardErrors.Internal(null)));
                break;
            case WakeNewsKind.Failed:
                EndProbe(success: false);
                Complete(_waiters.TakeAll(), waiter => StartFailed(waiter, GuardErrors.ActorFailed(_route.IdText, news.Error!)));
                break;
            default:
                EndProbe(success: false);
                Complete(_waiters.TakeAll(), waiter => StartFailed(waiter, GuardErrors.WakeRetriesExceeded(_route.IdText, Waited(waiter))));
                break;
        }

        EndDue();
    }

    private void Release(ActorRoute route)
    {
        var ready = HoldResult.Ready(route);
        Complete(_waiters.TakeAccepting(route), _ => ready);
    }

    /// <summary>Ends those whose deadline has come, or whom the pool's health ends.</summary>
    private void EndDue()
    {
        var (late, failed, reported) = _waiters.TakeDue();
        for (; reported > 0; reported--)
        {
            CountReported();
        }

        Complete(late, DeadlineResult);
        Complete(failed, _ => PoolFailed());
    }

    private static void Complete(List<Waiter> ended, Func<Waiter, HoldResult> result)
    {
        foreach (var waiter in ended)
        {
            waiter.Complete(result(waiter));
        }
    }

    /// <summary>A red pool is the cause of a failed start, whatever the start itself said.</summary>
    private HoldResult StartFailed(Waiter waiter, GuardError error)
    {
        var mode = _services.Options.Current.FailFast.Mode;
        if (_waiters.Health.IsRed && mode == FailFastMode.Enforce)
        {
            return PoolFailed();
        }

        if (_waiters.Health.IsRed && mode == FailFastMode.Report && !waiter.Reported)
        {
            waiter.Reported = true;
            CountReported();
        }

        return HoldResult.Failed(HoldOutcome.StartFailed, error);
    }

    /// <summary>Mode report: counts a request that would have failed.</summary>
    private void CountReported() => _services.Metrics.FailedFast(_waiters.Health.ActiveError?.Error.Kind, enforced: false);

    private HoldResult PoolFailed()
    {
        var health = _waiters.Health;
        _services.Metrics.FailedFast(health.ActiveError?.Error.Kind, enforced: true);
        return HoldResult.Failed(HoldOutcome.PoolError, GuardErrors.ActorRunnerFailed(_route.IdText, health, _services.Probes.RetryAfter(_route.Pool)));
    }

    private HoldResult DeadlineResult(Waiter waiter)
    {
        var waited = Waited(waiter);
        var wake = _wake;
        var hadSlot = wake is { HadSlot: true };
        if (wake is not { StoreDown: false } || (!hadSlot && !wake.HasAsked))
        {
            return HoldResult.Failed(HoldOutcome.Unavailable, GuardErrors.ServiceUnavailable(_route.IdText, waited));
        }

        if (wake.Refusal is { } refusal)
        {
            return StartFailed(waiter, GuardErrors.ActorFailed(_route.IdText, refusal));
        }

        return hadSlot
            ? HoldResult.Failed(HoldOutcome.Timeout, GuardErrors.ActorReadyTimeout(_route.IdText, waited))
            : HoldResult.Failed(HoldOutcome.NoCapacity, GuardErrors.NoCapacity(
                _route.IdText, _services.Connects.LastError(_route.Pool) ?? _waiters.Health.ActiveError?.Error));
    }

    private TimeSpan Waited(Waiter waiter) => _services.Time.GetElapsedTime(waiter.Arrival);

    private void EndProbe(bool success)
    {
        if (_waiters.TakeProbe() is var probeId and not 0)
        {
            // Not awaited: no request waits for the store to book it.
            _ = _services.Probes.EndAsync(_route.Pool, probeId, success);
        }
    }

    private void TearDown()
    {
        _owner.Remove(_route.Id, this);
        lock (_gate)
        {
            _isClosed = true;
        }

        _watch?.Dispose();
        _wake?.Leave(_listener);
        EndProbe(success: false);
    }
}
