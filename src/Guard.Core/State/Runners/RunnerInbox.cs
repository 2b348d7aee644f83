using Guard.Core.Diagnostics;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Runners;

/// <summary>
/// What runners say of themselves and of their actors, whoever brings it: the control API, the seed, the sidecar, a connection that this Guard
/// holds. Calls throw <see cref="StoreException"/> when the store does not answer. Thread-safe.
/// </summary>
internal sealed partial class RunnerInbox(
    IRunnerStore runners, IActorStore actors, SuspectRunners suspects, GuardMetrics metrics, ILogger<RunnerInbox> logger)
{
    /// <summary>Registers a runner, or renews it; null when its pool has no runner-config. A version that is higher than others' drains
    /// them (<see cref="VersionDrain"/>).</summary>
    public async ValueTask<RunnerRecord?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
    {
        if (await runners.RegisterAsync(runner, cancellationToken) is not { } registration)
        {
            return null;
        }

        // It has just spoken: whoever could not reach it before may try again at once.
        suspects.Clear(registration.Runner.RunnerId);
        DrainedByVersion(registration.Runner.Pool, registration.DrainedByVersion);
        return registration.Runner;
    }

    /// <inheritdoc cref="IRunnerStore.HeartbeatAsync"/>
    public ValueTask<HeartbeatResult?> BeatAsync(string runnerId, CancellationToken cancellationToken) => runners.HeartbeatAsync(runnerId, cancellationToken);

    /// <summary>Applies what a runner says of its actors, in order; what came of each. Null when the runner is unknown or stopped: it has
    /// lost its actors already and must register again.</summary>
    public async ValueTask<IReadOnlyList<RunnerEventResult>?> ApplyAsync(
        string runnerId, IReadOnlyList<RunnerEvent> events, CancellationToken cancellationToken)
    {
        if (await runners.GetAsync(runnerId, cancellationToken) is not { StopTs: 0 })
        {
            return null;
        }

        var results = new List<RunnerEventResult>(events.Count);
        foreach (var runnerEvent in events)
        {
            var result = await actors.ApplyEventAsync(runnerId, runnerEvent, cancellationToken);
            results.Add(result);
            Tell(runnerId, runnerEvent, result);
        }

        return results;
    }

    /// <summary>It wants to drain: no new actors, and those it has are told to stop. False when unknown or stopped.</summary>
    public async ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (!await runners.DrainAsync(runnerId, cancellationToken))
        {
            return false;
        }

        LogDraining(logger, runnerId);
        return true;
    }

    /// <summary>It leaves at once, and its actors follow their crash policy. False when unknown or stopped.</summary>
    public async ValueTask<bool> LeaveAsync(string runnerId, CancellationToken cancellationToken)
    {
        if (!await runners.DeleteAsync(runnerId, cancellationToken))
        {
            return false;
        }

        LogLeft(logger, runnerId);
        return true;
    }

    /// <summary>Counts and tells runners that drain by version since now.</summary>
    public void DrainedByVersion(PoolId pool, IReadOnlyList<RunnerRecord> drained)
    {
        if (drained.Count == 0)
        {
            return;
        }

        metrics.RunnersDrainedByVersion(pool, drained.Count);
        foreach (var runner in drained)
        {
            LogDrained(logger, runner.RunnerId, runner.Key, pool.ToString(), runner.Version);
        }
    }

    private void Tell(string runnerId, RunnerEvent runnerEvent, RunnerEventResult result)
    {
        metrics.RunnerEvent(runnerEvent.Kind.Name(), result.Name());
        if (runnerEvent.Kind == RunnerEventKind.Crashed && result == RunnerEventResult.Ok)
        {
            LogCrashed(logger, runnerEvent.Actor, runnerEvent.Generation, runnerId, CrashMessage.Clean(runnerEvent.Message));
        }
        else
        {
            LogEvent(logger, runnerEvent.Actor, runnerEvent.Generation, runnerId, runnerEvent.Kind.Name(), result.Name());
        }
    }

    [LoggerMessage(EventId = 1, EventName = "RunnerDrainedByVersion", Level = LogLevel.Information,
        Message = "Runner {RunnerId} (key {Key}) of pool {Pool} drains: its version {Version} is no longer the newest. It gets no new actors; those it has are told to stop and wake on the newest version.")]
    private static partial void LogDrained(ILogger logger, string runnerId, string key, string pool, int version);

    [LoggerMessage(EventId = 2, EventName = "RunnerDrainRequested", Level = LogLevel.Information,
        Message = "Runner {RunnerId} drains on request: it gets no new actors, and those it has are told to stop")]
    private static partial void LogDraining(ILogger logger, string runnerId);

    [LoggerMessage(EventId = 3, EventName = "RunnerDeleted", Level = LogLevel.Information,
        Message = "Runner {RunnerId} deleted on request: its actors follow their crash policy")]
    private static partial void LogLeft(ILogger logger, string runnerId);

    [LoggerMessage(EventId = 4, EventName = "ActorCrashed", Level = LogLevel.Warning,
        Message = "Actor {ActorId} generation {Generation} crashed on runner {RunnerId}: {Reason}. It follows its crash policy; look at the runner's log")]
    private static partial void LogCrashed(ILogger logger, ActorId actorId, long generation, string runnerId, string reason);

    [LoggerMessage(EventId = 5, EventName = "RunnerEvent", Level = LogLevel.Debug,
        Message = "Runner {RunnerId} says {Event} of actor {ActorId} generation {Generation}: {Result}")]
    private static partial void LogEvent(ILogger logger, ActorId actorId, long generation, string runnerId, string @event, string result);
}
