using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Core.State.Actors;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Gives back the slots of starts that nobody drives any more: their starter is dead, or it is this Guard and has no wake for them (the
/// store granted a start, but its answer was lost). Holds find such starts sooner by themselves; this is for those nobody waits for.
/// </summary>
/// <remarks>
/// The keeper of a pool judges the starters that are dead. Whether a living one drives its start only that Guard knows: so each Guard
/// also asks for its own starts in the pools of others, once they have changed; where nothing happens nothing is asked.
/// </remarks>
internal sealed partial class GiveBackStarts(WakeServices services, ActorStarter starter, IPoolUpkeepStore upkeep, ILogger<GiveBackStarts> logger)
    : BackgroundService, IPoolJob, IChangeSink
{
    private readonly GuardedLoop _loop = new("own_starts", services.Metrics, services.Time, logger);
    private readonly ConcurrentDictionary<PoolId, bool> _kept = new();

    /// <summary>Pools of other Guards, and when they first changed since they were asked for: a timestamp of the provider.</summary>
    private readonly ConcurrentDictionary<PoolId, long> _changed = new();

    /// <summary>Between two looks at starts that take longer than a Guard's liveness.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(3);

    private static readonly ActorError Abandoned = new(ActorErrorKind.InternalError);

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        _kept.TryAdd(look.Pool, true);
        if (look.Sweep.StartingFor is not { } oldest)
        {
            return TimeSpan.MaxValue;
        }

        // A starter that began a start later than this has not had the time to be dead.
        var left = IGuardLiveness.Ttl - oldest;
        if (left >= TimeSpan.Zero)
        {
            return left > look.Period ? left : look.Period;
        }

        foreach (var actor in await services.Actors.ListStartingAsync(look.Pool, IGuardLiveness.Ttl, cancellationToken))
        {
            if (await IsAbandonedAsync(actor))
            {
                await GiveBackAsync(actor, cancellationToken);
            }
            else if (actor.Starter != services.Identity.Id)
            {
                // Its starter lives. Should it have lost the store's answer and the event, it asks for its own starts now.
                await upkeep.TellActorAsync(actor, cancellationToken);
            }
        }

        return Again;
    }

    /// <inheritdoc/>
    public void Lost(PoolId pool)
    {
        if (_kept.TryRemove(pool, out _))
        {
            _changed.TryAdd(pool, services.Time.GetTimestamp());
        }
    }

    void IChangeSink.ActorChanged(ActorId id, PoolId pool, long revision)
    {
        if (!_kept.ContainsKey(pool))
        {
            _changed.TryAdd(pool, services.Time.GetTimestamp());
        }
    }

    void IChangeSink.Gap()
    {
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Looks for its own starts in others' pools until stopped, where it is called: the host starts it on a thread of its own, a
    /// simulation on its own scheduler.</summary>
    public Task RunAsync(CancellationToken stoppingToken) => _loop.RunAsync(TimeSpan.Zero, LookElsewhereAsync, stoppingToken);

    private async ValueTask LookElsewhereAsync(CancellationToken cancellationToken)
    {
        // Half to one and a half: Guards that were started together do not look together.
        await Task.Delay(Again * (0.5 + services.Random.NextDouble()), services.Time, cancellationToken);
        foreach (var (pool, since) in _changed)
        {
            if (services.Time.GetElapsedTime(since) < IGuardLiveness.Ttl)
            {
                continue;
            }

            // Before the store is asked: what changes from now on is asked for anew.
            _changed.TryRemove(pool, out _);
            if (!_kept.ContainsKey(pool) && await GiveBackOwnAsync(pool, since, cancellationToken))
            {
                _changed.TryAdd(pool, since);
            }
        }
    }

    /// <summary>True when there may be more.</summary>
    private async Task<bool> GiveBackOwnAsync(PoolId pool, long since, CancellationToken cancellationToken)
    {
        try
        {
            if ((await UndrivenAsync(pool, TimeSpan.Zero, cancellationToken)).Length == 0)
            {
                return false;
            }

            foreach (var actor in await UndrivenAsync(pool, IGuardLiveness.Ttl, cancellationToken))
            {
                await GiveBackAsync(actor, cancellationToken);
            }

            return true;
        }
        catch (StoreException)
        {
            _changed.TryAdd(pool, since);
            throw;
        }
    }

    /// <summary>Starts of this Guard that it has no wake for.</summary>
    private async Task<ActorRecord[]> UndrivenAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
        => [.. (await services.Actors.ListStartingAsync(pool, olderThan, cancellationToken)).Where(a => a.Starter == services.Identity.Id && !starter.IsDriving(a.Id))];

    private async ValueTask<bool> IsAbandonedAsync(ActorRecord actor)
        => actor.Starter == services.Identity.Id ? !starter.IsDriving(actor.Id) : await services.Liveness.IsDeadAsync(actor.Starter!);

    private async Task GiveBackAsync(ActorRecord actor, CancellationToken cancellationToken)
    {
        var result = await services.Actors.CommitStartFailedAsync(
            actor.Id, actor.Pool, actor.Generation, Abandoned, final: false, cancellationToken);
        if (result == TransitionResult.Ok)
        {
            LogGivenBack(logger, actor.Id.ToString(), actor.Generation, actor.Runner!.RunnerId, actor.Starter!);
            _ = services.Runners.StopAsync(actor.Runner, actor.Id, actor.Generation, "stale");
        }
    }

    [LoggerMessage(EventId = 1, EventName = "StartGivenBack", Level = LogLevel.Warning,
        Message = "The start of actor {ActorId} generation {Generation} on runner {RunnerId} was abandoned by Guard {Starter}, which has died or lost the store's answer; its slot is free again and the runner is told to stop it")]
    private static partial void LogGivenBack(ILogger logger, string actorId, long generation, string runnerId, string starter);
}
