using Guard.Core.Async;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Actors;

/// <summary>The steps of one wake. Used by one task.</summary>
internal sealed partial class WakeRun(WakeServices services, SlotQueues slots, Wake wake, CancellationToken unwanted)
{
    // Runners that had their one try: they answered no, or not at all.
    private readonly HashSet<string> _tried = [];
    private ActorError? _lastFailure;

    // The starting generation that this wake may replace: its own that failed, or, when abandoned, one that nobody drives any more and
    // whose runner has not been told to stop it.
    private ActorRecord? _failed;
    private bool _abandoned;
    private int _stops;
    private int _stopsWaitedFor;

    public async Task<WakeOutcome> RunAsync()
    {
        while (true)
        {
            if (unwanted.IsCancellationRequested)
            {
                await GiveBackAsync();
                return new(WakeStatus.Abandoned);
            }

            if (_stops > _stopsWaitedFor)
            {
                _stopsWaitedFor = _stops;
                await DelayAsync(RetryBackoff.Next(_stops - 1, services.Options.Current.Retry, TimeSpan.MaxValue, services.Random));
                continue;
            }

            StartGrant grant;
            try
            {
                grant = await BeginAsync();
                wake.StoreDown = false;
                slots.Asked(wake, grant.Status);
            }
            catch (StoreUnavailableException)
            {
                wake.StoreDown = true;
                services.Metrics.WakeEnded("unavailable");
                await PauseAsync();
                continue;
            }

            var ended = grant.Status switch
            {
                StartGrantStatus.Granted => await StartAsync(grant),
                StartGrantStatus.AlreadyReady => new WakeOutcome(WakeStatus.Ready, grant.Actor),
                StartGrantStatus.NoCapacity => await NoCapacityAsync(),
                StartGrantStatus.StartingElsewhere => await StartingElsewhereAsync(grant.Actor!),
                StartGrantStatus.Stopping => await PauseAsync(),
                _ => new WakeOutcome(WakeStatus.Gone),
            };
            if (ended is { } outcome)
            {
                return outcome;
            }
        }
    }

    private async Task<StartGrant> BeginAsync()
    {
        var exclude = new HashSet<string>(_tried);
        services.Suspects.AddTo(exclude);
        await services.Liveness.EnsureAliveAsync();
        var request = new StartRequest(wake.Id, wake.Pool, services.Identity.Id, exclude, _failed?.Generation, wake.WantsCapacity);
        return await services.Actors.TryBeginStartAsync(request, CancellationToken.None);
    }

    private async Task<WakeOutcome?> StartAsync(StartGrant grant)
    {
        var (actor, runner) = (grant.Actor!, grant.Runner!);
        wake.HadSlot = true;
        wake.WantsCapacity = false;
        if (_abandoned && grant.Replaced is { } replaced)
        {
            // Whether or not it is the runner of the new start: generations tell it apart.
            StopStale(replaced);
        }

        (_failed, _abandoned) = (null, false);
        var result = await services.Runners.StartAsync(actor, runner.Address);
        switch (result.Reply)
        {
            case StartReply.Ready:
                services.Suspects.Clear(runner.RunnerId);
                return await CommitAsync(actor);

            case StartReply.Accepted:
                services.Suspects.Clear(runner.RunnerId);
                return await AwaitReadyAsync(actor);

            case StartReply.NotReached:
                services.Suspects.Suspect(runner.RunnerId);
                LogNotReached(services.Logger, actor.Id.ToString(), runner.RunnerId, result.Detail);
                services.Metrics.WakeEnded("not_reached");
                _failed = actor with { Error = new(ActorErrorKind.RunnerConnectionLost, runner.RunnerId) };
                return null;

            case StartReply.Refused:
                LogRefused(services.Logger, actor.Id.ToString(), actor.Generation, runner.RunnerId, result.Detail);
                services.Metrics.WakeEnded("refused");
                Tried(actor, runner.RunnerId, new(ActorErrorKind.Crashed, Message: result.Detail));
                return null;

            default:
                return NoResponse(actor, result.Detail);
        }
    }

    /// <summary>The runner may be starting it all the same: it is told to stop, and another one is tried.</summary>
    private WakeOutcome? NoResponse(ActorRecord actor, string fault)
    {
        var runner = actor.Runner!;
        LogNoResponse(services.Logger, actor.Id.ToString(), actor.Generation, runner.RunnerId, fault);
        services.Metrics.WakeEnded("no_response");
        StopStale(actor);
        Tried(actor, runner.RunnerId, new(ActorErrorKind.RunnerNoResponse, runner.RunnerId));
        return null;
    }

    private void StopStale(ActorRecord actor) => _ = services.Runners.StopAsync(actor.Runner!, actor.Id, actor.Generation, "stale");

    private void Tried(ActorRecord actor, string runnerId, ActorError error)
    {
        _tried.Add(runnerId);
        _lastFailure = error;
        _failed = actor with { Error = error };
    }

    /// <summary>Commits ready; what the store says of the actor then decides.</summary>
    private async Task<WakeOutcome?> CommitAsync(ActorRecord actor)
    {
        var result = await RetryAsync(() => services.Actors.CommitReadyAsync(wake.Id, wake.Pool, actor.Generation, CancellationToken.None));
        var now = await ReadAsync();
        if (result != TransitionResult.Ok && now is { State: not ActorState.Destroyed } && now.Generation == actor.Generation)
        {
            // It ended, or was given back by a Guard that took this one for dead: the runner must not go on believing that it runs.
            StopStale(actor);
        }

        return Judge(actor, now);
    }

    /// <summary>Waits for the runner's event, which changes the record, for at most <c>Runners:ReadyTimeout</c>.</summary>
    private async Task<WakeOutcome?> AwaitReadyAsync(ActorRecord actor)
    {
        var since = services.Time.GetTimestamp();
        var away = TimeSpan.Zero;
        while (true)
        {
            var asked = services.Time.GetTimestamp();
            var now = await ReadAsync();

            // While the store was away the runner could not say that it is ready.
            away += services.Time.GetElapsedTime(asked);
            if (now is null || now.Generation != actor.Generation || now.State != ActorState.Starting)
            {
                return Judge(actor, now);
            }

            var left = services.Options.Current.Runners.ReadyTimeout + away - services.Time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                return NoResponse(actor, "202, but no ready in time");
            }

            var repair = services.Options.Current.Readiness.RepairInterval;
            await wake.Pulse.WaitAsync(left < repair ? left : repair, CancellationToken.None);
        }
    }

    /// <param name="started">What this wake started.</param>
    /// <param name="now">The record now.</param>
    private WakeOutcome? Judge(ActorRecord started, ActorRecord? now)
    {
        if (now is null || now.State == ActorState.Destroyed || now.Generation != started.Generation)
        {
            // Whoever finds its commit refused tells the runner to stop what it started.
            _ = services.Runners.StopAsync(started.Runner!, started.Id, started.Generation, now?.State == ActorState.Destroyed ? "destroy" : "stale");
            services.Metrics.WakeEnded("superseded");
            return now is null || now.State == ActorState.Destroyed ? new(WakeStatus.Gone) : null;
        }

        if (now.State == ActorState.Ready)
        {
            services.Metrics.WakeEnded("ready");
            return new(WakeStatus.Ready, now);
        }

        if (now.Error is { Kind: ActorErrorKind.Crashed } crashed)
        {
            services.Metrics.WakeEnded("stopped");
            return new(WakeStatus.Failed, Error: crashed);
        }

        // Stopped by itself, or its runner was lost meanwhile: either way it may be woken again.
        _stops++;
        services.Metrics.WakeEnded("stopped");
        LogStopped(services.Logger, started.Id.ToString(), started.Generation, started.Runner!.RunnerId, _stops);
        return _stops > services.Options.Current.Readiness.MaxWakeRetries ? new(WakeStatus.RetriesExceeded) : null;
    }

    private async Task<WakeOutcome?> NoCapacityAsync()
    {
        if (_lastFailure is { } failure)
        {
            // Every other eligible runner has had its try.
            await EndFailedAsync(failure, final: true);
            return new(WakeStatus.Failed, Error: failure);
        }

        if (_failed is null)
        {
            services.Metrics.WakeEnded("no_capacity");
        }

        // Where a runner was not reached and there is nobody else to try, its slot goes back and the wake goes on until one can be reached.
        await GiveBackAsync();
        if (!wake.WaitsForCapacity)
        {
            return new(WakeStatus.Abandoned);
        }

        wake.WantsCapacity = true;
        await slots.WaitAsync(wake, unwanted);
        return null;
    }

    /// <summary>Gives back the slot of a start that failed and is not followed by another.</summary>
    private Task GiveBackAsync() => EndFailedAsync(_failed?.Error, final: false);

    private async Task EndFailedAsync(ActorError? error, bool final)
    {
        if (_failed is not { } failed)
        {
            return;
        }

        if (_abandoned)
        {
            StopStale(failed);
        }

        (_failed, _abandoned) = (null, false);
        await RetryAsync(() => services.Actors.CommitStartFailedAsync(wake.Id, wake.Pool, failed.Generation, error!, final, CancellationToken.None));
    }

    private async Task<WakeOutcome?> StartingElsewhereAsync(ActorRecord actor)
    {
        if (_failed is not null)
        {
            // The generation this wake could have replaced has been replaced by another.
            (_failed, _abandoned) = (null, false);
            return null;
        }

        // This Guard's own is from a wake that broke off, or the store's answer to it was lost: there is no other wake to drive it.
        if (actor.Starter == services.Identity.Id || await services.Liveness.IsDeadAsync(actor.Starter!))
        {
            LogTakenOver(services.Logger, actor.Id.ToString(), actor.Generation, actor.Runner!.RunnerId, actor.Starter!);
            services.Metrics.WakeEnded("taken_over");
            (_failed, _abandoned) = (actor with { Error = new(ActorErrorKind.InternalError) }, true);
            return null;
        }

        wake.HadSlot = true;
        services.Metrics.WakeEnded("superseded");
        return new(WakeStatus.Elsewhere, actor);
    }

    private async Task DelayAsync(TimeSpan delay)
    {
        await Task.Delay(delay, services.Time, unwanted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    /// <summary>Waits for a change, at most <c>Readiness:RepairInterval</c>.</summary>
    private async Task<WakeOutcome?> PauseAsync()
    {
        await wake.Pulse.WaitAsync(services.Options.Current.Readiness.RepairInterval, unwanted);
        return null;
    }

    private Task<ActorRecord?> ReadAsync() => RetryAsync(() => services.Actors.GetAsync(wake.Id, wake.Pool, CancellationToken.None));

    /// <summary>A start that was sent has to be settled in the store, however long the store is gone.</summary>
    private async Task<T> RetryAsync<T>(Func<ValueTask<T>> call)
    {
        while (true)
        {
            try
            {
                var result = await call();
                wake.StoreDown = false;
                return result;
            }
            catch (StoreUnavailableException)
            {
                wake.StoreDown = true;
                await wake.Pulse.WaitAsync(services.Options.Current.Readiness.RepairInterval, CancellationToken.None);
            }
        }
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerNotReached", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} could not be reached to start actor {ActorId}: {Fault}; it is suspect for 5 s. Is it running, and its endpoint right?")]
    private static partial void LogNotReached(ILogger logger, string actorId, string runnerId, string fault);

    [LoggerMessage(EventId = 2, EventName = "StartRefused", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} refused to start actor {ActorId} generation {Generation}: {Fault}; look at the runner's log")]
    private static partial void LogRefused(ILogger logger, string actorId, long generation, string runnerId, string fault);

    [LoggerMessage(EventId = 3, EventName = "StartNoResponse", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} did not start actor {ActorId} generation {Generation}: {Fault}; it is told to stop it and another runner is tried. The runner may hang or be overloaded")]
    private static partial void LogNoResponse(ILogger logger, string actorId, long generation, string runnerId, string fault);

    [LoggerMessage(EventId = 4, EventName = "StoppedBeforeReady", Level = LogLevel.Information,
        Message = "Actor {ActorId} generation {Generation} stopped on runner {RunnerId} before it was ready, for the {Count}. time in this wake")]
    private static partial void LogStopped(ILogger logger, string actorId, long generation, string runnerId, int count);

    [LoggerMessage(EventId = 5, EventName = "StartTakenOver", Level = LogLevel.Warning,
        Message = "The start of actor {ActorId} generation {Generation} on runner {RunnerId} is taken over: Guard {Starter}, which began it, has died or lost the store's answer; the runner is told to stop that generation")]
    private static partial void LogTakenOver(ILogger logger, string actorId, long generation, string runnerId, string starter);
}
