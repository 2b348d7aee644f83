using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.State.Actors;
using Guard.Core.State.Pools;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// Holds a request until its actor is ready, or says why that will not be (docs/contract.md, section 4). Requests whose actor is ready never come
/// here. Thread-safe.
/// </summary>
internal sealed class ReadinessGate(
    ActorWaits waits,
    ActorStarter starter,
    PoolHealthTracker health,
    PoolSettingsSource settings,
    ProbeGate probes,
    HoldLimiter limiter,
    WakeBudget budget,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time)
{
    /// <summary>Holds until ready, failed, out of time, or the client is gone.</summary>
    /// <param name="route">The actor as known now.</param>
    /// <param name="deadline">The request's; settled here, by the pool's settings.</param>
    /// <param name="skipReadyWait">A runner is enough, ready or not.</param>
    /// <param name="avoid">A ready route that was just found unreachable, and how long not to use it; null otherwise.</param>
    /// <param name="clientGone">Fires when the client left.</param>
    /// <remarks>Ends with <c>guard.service_unavailable</c> when this Guard does (<see cref="HoldLimiter.Closing"/>).</remarks>
    public async Task<HoldResult> HoldAsync(
        ActorRoute route, Deadline deadline, bool skipReadyWait, (ActorRoute Route, TimeSpan For)? avoid, CancellationToken clientGone)
    {
        var failFast = options.Current.FailFast;
        var enforces = failFast.Mode == FailFastMode.Enforce;
        if (enforces && failFast.RefuseWhenRed
            && health.TryGetFresh(route.Pool, settings.Get(route.Pool).CacheTtl, out var cached) && cached.IsRed
            && !IsBeingStarted(route) && probes.WasJustRefused(cached))
        {
            return Refuse(route, cached);
        }

        // A place comes before all that may wait for the store, and before the probe: one that then finds no place would be lost for an
        // interval.
        if (limiter.TryEnter(route.Pool, route.Id) is { } full)
        {
            return HoldResult.Failed(HoldOutcome.Unavailable, full);
        }

        var since = time.GetTimestamp();
        metrics.HoldStarted();
        var result = HoldResult.ClientGone;
        try
        {
            if (!IsBeingStarted(route) && !waits.IsOpen(route.Id) && !budget.TryTake(route.Pool, out var retryAfter))
            {
                // Before a probe is asked for, which would be lost for an interval.
                metrics.HoldRejected("wakes");
                return result = HoldResult.Failed(HoldOutcome.Unavailable, GuardErrors.HoldLimitReached(options.Current.Limits.WakesPerPool, "wakes", retryAfter));
            }

            var pool = await SettleAsync(deadline, route.Pool, clientGone);
            var unknown = PoolHealthSnapshot.Unknown(route.Pool);
            var known = failFast.Mode == FailFastMode.Off
                ? unknown
                : await InTimeAsync(health.ReadAsync(route.Pool, pool.CacheTtl, clientGone), unknown, deadline.Left(time));

            // Mode report goes through the same steps, probes included, so that it counts what enforcing would have refused.
            var needsProbe = failFast.RefuseWhenRed && known.IsRed && !IsBeingStarted(route);
            ProbeGrant? probe = null;
            if (needsProbe)
            {
                probe = await probes.AskAsync(route.Id, route.Pool);
                known = probe?.Health ?? unknown;
            }

            var granted = probe is { IsGranted: true } ? probe : null;
            var refused = needsProbe && known.IsRed && granted is null;
            if (refused && enforces)
            {
                probes.Admitted(route.Id);
                return result = Refuse(route, known);
            }

            if (refused)
            {
                metrics.FailedFast(known.ActiveError?.Error.Kind, enforced: false);
            }

            var waiter = new Waiter
            {
                Arrival = deadline.Arrival,
                Deadline = deadline.At(time),
                CheckAfter = Deadline.After(deadline.Arrival, pool.CheckDelay, time),
                SkipReadyWait = skipReadyWait,
                Seen = failFast.RefuseWhenRed && known.IsRed ? ErrorMark.Of(known) : null,
                Reported = refused,
                AvoidRevision = avoid?.Route.Revision ?? -1,
                RetryAt = avoid is { } unreachable ? Deadline.After(since, unreachable.For, time) : 0,
            };
            var wait = waits.Join(route, waiter, known, granted);
            probes.Admitted(route.Id);
            var place = new Place(wait, waiter, route, time);
            using var leave = clientGone.UnsafeRegister(static state => ((Place)state!).Leave(), place);
            using var closing = limiter.Closing.UnsafeRegister(static state => ((Place)state!).TurnOut(), place);
            return result = await waiter.Task;
        }
        catch (OperationCanceledException) when (clientGone.IsCancellationRequested)
        {
            return result;
        }
        finally
        {
            limiter.Exit(route.Pool, route.Id);
            metrics.HoldEnded(result.Outcome, time.GetElapsedTime(since));
        }
    }

    /// <summary>Settles a request's deadline by its pool's settings, which it returns. They may have to be read from the store, for a second at
    /// most.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<PoolSettings> SettleAsync(Deadline deadline, PoolId pool, CancellationToken clientGone)
    {
        var known = settings.Get(pool);
        known = await InTimeAsync(settings.GetAsync(pool, clientGone), known, deadline.LeftWithin(known.ReadyTimeout, time));
        deadline.Settle(known.ReadyTimeout);
        return known;
    }

    /// <summary>A start is under way that the request joins, whatever the pool's health: the probe's, or one begun before it turned red.</summary>
    private bool IsBeingStarted(ActorRoute route)
        => route.State is ActorState.Starting or ActorState.Ready || starter.IsStarting(route.Id) || waits.IsProbing(route.Id);

    /// <summary>What a read says, or <paramref name="otherwise"/> when the request's deadline comes first: a store that hangs holds nobody
    /// beyond it.</summary>
    private async ValueTask<T> InTimeAsync<T>(ValueTask<T> read, T otherwise, TimeSpan left)
    {
        if (read.IsCompletedSuccessfully)
        {
            return read.Result;
        }

        try
        {
            return await read.AsTask().WaitAsync(left, time);
        }
        catch (TimeoutException)
        {
            return otherwise;
        }
    }

    private HoldResult Refuse(ActorRoute route, PoolHealthSnapshot known)
    {
        metrics.FailedFast(known.ActiveError?.Error.Kind, enforced: true);
        return HoldResult.Failed(HoldOutcome.PoolError, GuardErrors.ActorRunnerFailed(route.IdText, known, probes.RetryAfter(route.Pool)));
    }

    /// <summary>One request's place in a wait.</summary>
    private sealed class Place(ActorWait wait, Waiter waiter, ActorRoute route, TimeProvider time)
    {
        public void Leave() => wait.Leave(waiter);

        /// <summary>This Guard ends before the actor is ready.</summary>
        public void TurnOut()
        {
            waiter.Complete(HoldResult.Failed(
                HoldOutcome.Unavailable, GuardErrors.ServiceUnavailable(route.IdText, time.GetElapsedTime(waiter.Arrival))));
            wait.Leave(waiter);
        }
    }
}
