using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Actors;

/// <content>A start that was granted, until the store knows what came of it.</content>
internal sealed partial class ActorWake
{
    private async Task StartAsync(StartGrant grant, int mark)
    {
        var (actor, runner) = (grant.Actor!, grant.Runner!);
        _hadSlot = true;
        _wantsCapacity = false;
        if (_tries.IsAbandoned && grant.Replaced is { } replaced)
        {
            // Whether or not it is the runner of the new start: generations tell it apart.
            StopStale(replaced);
        }

        _tries.Replaced();
        var call = _services.Runners.StartAsync(actor, runner.Address);
        Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
        var result = await WatchAsync(call);
        switch (result.Reply)
        {
            case StartReply.Ready:
                _services.Suspects.Clear(runner.RunnerId);
                await CommitAsync(actor);
                break;

            case StartReply.Accepted:
                _services.Suspects.Clear(runner.RunnerId);
                await AwaitReadyAsync(actor);
                break;

            case StartReply.NotReached:
                _services.Suspects.Suspect(runner.RunnerId);
                LogNotReached(_services.Logger, Id.ToString(), runner.RunnerId, result.Detail);
                _services.Metrics.WakeEnded("not_reached");
                _tries.Fail(actor, new(ActorErrorKind.RunnerConnectionLost, runner.RunnerId), mayAgain: true);
                break;

            case StartReply.Refused:
                LogRefused(_services.Logger, Id.ToString(), actor.Generation, runner.RunnerId, result.Detail);
                _services.Metrics.WakeEnded("refused");
                Tried(actor, new(ActorErrorKind.Crashed, Message: result.Detail));
                break;

            default:
                NoResponse(actor, result.Detail);
                break;
        }
    }

    /// <summary>Waits for the runner's answer. Meanwhile the listener hears of what changes: the runner's word that the actor is ready may
    /// come first, and the actor may be destroyed.</summary>
    private async Task<StartResult> WatchAsync(Task<StartResult> call)
    {
        if (!call.IsCompleted)
        {
            _ = PulseAfterAsync(call);
        }

        while (!call.IsCompleted)
        {
            await Pulse.WaitAsync(StartReads * RepairInterval, CancellationToken.None);
            if (!call.IsCompleted && _listener is not null && NeedsLook(StartReads * RepairInterval))
            {
                var mark = Mark();
                var (isKnown, actor) = await TryReadAsync();
                if (isKnown)
                {
                    TellOf(actor, mark);
                }
            }
        }

        return await call;
    }

    private async Task PulseAfterAsync(Task call)
    {
        await call.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Pulse.Set();
    }

    /// <summary>Tells of what was read while a start is under way, which decides by itself what comes of it.</summary>
    private void TellOf(ActorRecord? actor, int mark)
    {
        if (actor is null or { State: ActorState.Destroyed })
        {
            Tell(new(WakeNewsKind.Gone, actor));
        }
        else if (actor.State is ActorState.Starting or ActorState.Ready)
        {
            Tell(new(WakeNewsKind.HasRunner, actor, Mark: mark));
        }
    }

    /// <summary>The runner may be starting it all the same: it is told to stop, and another one is tried.</summary>
    private void NoResponse(ActorRecord actor, string fault)
    {
        var runner = actor.Runner!;
        LogNoResponse(_services.Logger, Id.ToString(), actor.Generation, runner.RunnerId, fault);
        _services.Metrics.WakeEnded("no_response");
        StopStale(actor);
        Tried(actor, new(ActorErrorKind.RunnerNoResponse, runner.RunnerId));
    }

    private void Tried(ActorRecord actor, ActorError error)
    {
        _tries.Fail(actor, error, mayAgain: false);
        _refusal = _tries.FirstFailure;
    }

    private void StopStale(ActorRecord actor) => _ = _services.Runners.StopAsync(actor.Runner!, actor.Id, actor.Generation, "stale");

    /// <summary>Commits ready; what the store says of the actor then decides.</summary>
    private async Task CommitAsync(ActorRecord actor)
    {
        var mark = Mark();
        var (result, now) = await RetryAsync(() => _services.Actors.CommitReadyAsync(Id, Pool, actor.Generation, CancellationToken.None));
        if (result != TransitionResult.Ok && now is { State: not ActorState.Destroyed } && now.Generation == actor.Generation)
        {
            // It ended, or was given back by a Guard that took this one for dead: the runner must not go on believing that it runs.
            StopStale(actor);
        }

        Know(now);
        Judge(actor, now, mark);
    }

    /// <summary>Waits for the runner's event, which changes the record, for at most <c>Runners:ReadyTimeout</c>.</summary>
    private async Task AwaitReadyAsync(ActorRecord actor)
    {
        var since = _services.Time.GetTimestamp();
        var away = TimeSpan.Zero;
        while (true)
        {
            var left = _services.Options.Current.Runners.ReadyTimeout + away - _services.Time.GetElapsedTime(since);
            if (left > TimeSpan.Zero && !NeedsLook(RepairInterval))
            {
                var wait = left < RepairInterval ? left : RepairInterval;
                await Pulse.WaitAsync(wait, CancellationToken.None);
                continue;
            }

            var asked = _services.Time.GetTimestamp();
            var mark = Mark();
            Reading();
            var now = await RetryAsync(() => _services.Actors.GetAsync(Id, Pool, CancellationToken.None));
            Know(now);

            // While the store was away the runner could not say that it is ready.
            away += _services.Time.GetElapsedTime(asked);
            if (now is null || now.Generation != actor.Generation || now.State != ActorState.Starting)
            {
                Judge(actor, now, mark);
                return;
            }

            TellOf(now, mark);
            if (left <= TimeSpan.Zero)
            {
                NoResponse(actor, "202, but no ready in time");
                return;
            }
        }
    }

    /// <param name="started">What this wake started.</param>
    /// <param name="now">The record now.</param>
    /// <param name="mark">Of the listener, before it was read.</param>
    private void Judge(ActorRecord started, ActorRecord? now, int mark)
    {
        if (now is null || now.State == ActorState.Destroyed || now.Generation != started.Generation)
        {
            // Whoever finds its commit refused tells the runner to stop what it started.
            var isDestroyed = now?.State == ActorState.Destroyed;
            _ = _services.Runners.StopAsync(started.Runner!, started.Id, started.Generation, isDestroyed ? "destroy" : "stale");
            _services.Metrics.WakeEnded("superseded");
            if (now is null || isDestroyed)
            {
                Gone(now);
            }

            return;
        }

        if (now.State == ActorState.Ready)
        {
            _services.Metrics.WakeEnded("ready");
            Ready(now, mark);
            return;
        }

        if (now.Error is { Kind: ActorErrorKind.Crashed } crashed)
        {
            _services.Metrics.WakeEnded("stopped");
            End(WakeStatus.Failed, new(WakeNewsKind.Failed, Error: crashed));
            return;
        }

        // Stopped by itself, or its runner was lost meanwhile: either way it may be woken again.
        _tries.Stopped();
        _services.Metrics.WakeEnded("stopped");
        LogStopped(_services.Logger, Id.ToString(), started.Generation, started.Runner!.RunnerId, _tries.Stops);
        if (_tries.Stops > _services.Options.Current.Readiness.MaxWakeRetries)
        {
            End(WakeStatus.RetriesExceeded, new(WakeNewsKind.RetriesExceeded));
        }
    }

    /// <summary>Gives back the slot of a start that failed and is not followed by another.</summary>
    private Task GiveBackAsync() => EndFailedAsync(_tries.Failed?.Error, final: false);

    private async Task EndFailedAsync(ActorError? error, bool final)
    {
        if (_tries.Failed is not { } failed)
        {
            return;
        }

        if (_tries.IsAbandoned)
        {
            StopStale(failed);
        }

        _tries.Replaced();
        await RetryAsync(() => _services.Actors.CommitStartFailedAsync(Id, Pool, failed.Generation, error!, final, CancellationToken.None));
    }

    /// <summary>A start that was sent has to be settled in the store, however long the store is gone.</summary>
    private async Task<T> RetryAsync<T>(Func<ValueTask<T>> call)
    {
        while (true)
        {
            try
            {
                var result = await call();
                StoreDown = false;
                return result;
            }
            catch (StoreException e)
            {
                StoreFailed(e);
                await PauseAsync();
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

    [LoggerMessage(EventId = 7, EventName = "ActorUnusable", Level = LogLevel.Error,
        Message = "What the store has of actor {ActorId} cannot be used: {Reason}. Requests for it wait until their deadline. Is the key prefix used by something else, or by a newer Guard?")]
    private static partial void LogUnusable(ILogger logger, string actorId, string reason);

    [LoggerMessage(EventId = 6, EventName = "WakeBroke", Level = LogLevel.Error, Message = "The wake of actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogWakeBroke(ILogger logger, Exception exception, string actorId);
}
