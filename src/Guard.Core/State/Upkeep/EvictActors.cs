using System.Collections.Concurrent;
using Guard.Core.State.Actors;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Empties draining runners: marks their actors stopping in the store, some per second (<c>actor_eviction_rate</c>, after
/// <c>actor_eviction_delay</c>), tells the runner each time, and gives up those that have not stopped within <c>drain_grace_period</c>.
/// Requests for an actor are held from the mark on and follow it to its next runner. The stop calls under way outlive a lost lease, for they
/// are idempotent.
/// </summary>
internal sealed partial class EvictActors(IPoolUpkeepStore upkeep, WakeServices services, ILogger<EvictActors> logger) : IPoolJob
{
    private static readonly PoolConfig Unconfigured = new();

    /// <summary>Between two looks while actors are being evicted: at the default rate of 100/s, ten at a time.</summary>
    private static readonly TimeSpan EvictionPeriod = TimeSpan.FromMilliseconds(100);

    /// <summary>Between two stop calls for the same actor, where the one before failed.</summary>
    private static readonly TimeSpan StopAgainAfter = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<(ActorId Id, long Generation), bool> _stops = new();

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        if (look.Sweep.IsTaken)
        {
            TakeOver(await upkeep.ListStoppingAsync(look.Pool, cancellationToken), cancellationToken);
        }

        GaveUp(look.Sweep.TimedOut);
        if (look.Sweep.Draining.Count == 0)
        {
            look.Pace.Rest();
            return TimeSpan.MaxValue;
        }

        return await StepAsync(look, cancellationToken) ? EvictionPeriod : look.Period;
    }

    /// <summary>The next step of the drains of a pool; true when there is more to do soon.</summary>
    private async Task<bool> StepAsync(PoolLook look, CancellationToken cancellationToken)
    {
        var (config, pace) = (look.Sweep.Config ?? Unconfigured, look.Pace);
        var (delay, grace) = (TimeSpan.FromSeconds(config.ActorEvictionDelay), TimeSpan.FromSeconds(config.DrainGracePeriod));
        var most = pace.Available(config.ActorEvictionRate, services.Time);
        var hasMore = false;
        foreach (var runner in look.Sweep.Draining)
        {
            var eviction = await upkeep.EvictAsync(new(look.Pool, look.Lease, runner.RunnerId, delay, grace, most), cancellationToken);
            most -= eviction.Stopping.Count;
            pace.Take(eviction.Stopping.Count);
            hasMore |= eviction.HasMore;
            TakeOver(eviction.Stopping, cancellationToken);
            GaveUp(eviction.TimedOut);
        }

        if (!hasMore)
        {
            pace.Rest();
        }

        return hasMore;
    }

    /// <summary>Tells the runners of actors that are stopping to stop them, again and again until they answer.</summary>
    private void TakeOver(IReadOnlyList<ActorRecord> stopping, CancellationToken cancellationToken)
    {
        foreach (var actor in stopping)
        {
            if (_stops.TryAdd((actor.Id, actor.Generation), true))
            {
                _ = StopAsync(actor, cancellationToken);
            }
        }
    }

    /// <summary>Actors that had not stopped in time, as they were: their runners are told that they have lost them.</summary>
    private void GaveUp(IReadOnlyList<ActorRecord> actors)
    {
        foreach (var actor in actors.Where(a => a.Runner is not null))
        {
            LogTimedOut(logger, actor.Id.ToString(), actor.Generation, actor.Runner!.RunnerId);
            _ = services.Runners.StopAsync(actor.Runner, actor.Id, actor.Generation, "stale");
        }
    }

    private async Task StopAsync(ActorRecord actor, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var reply = await services.Runners.StopAsync(actor.Runner!, actor.Id, actor.Generation, "drain");
                if (reply == StopReply.Stopped && await CommitAsync(actor))
                {
                    return;
                }

                // A runner that answered 202 is asked again as well: what it said may have been lost, or it has restarted since.
                var pause = reply == StopReply.Accepted ? services.Options.Current.Runners.StartTimeout : StopAgainAfter;
                await Task.Delay(pause, services.Time, cancellationToken);
                if (!await IsStoppingAsync(actor))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Whoever takes the lease over goes on.
        }
        catch (Exception e)
        {
            LogStopBroke(logger, e, actor.Id.ToString());
        }
        finally
        {
            _stops.TryRemove((actor.Id, actor.Generation), out _);
        }
    }

    /// <summary>False when the store could not be told.</summary>
    private async Task<bool> CommitAsync(ActorRecord actor)
    {
        try
        {
            // Refused when the runner said so itself, or is lost: either way it has stopped.
            await services.Actors.CommitStoppedAsync(actor.Id, actor.Pool, actor.Generation, CancellationToken.None);
            return true;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private async Task<bool> IsStoppingAsync(ActorRecord actor)
    {
        try
        {
            return await services.Actors.GetAsync(actor.Id, actor.Pool, CancellationToken.None) is { State: ActorState.Stopping } now
                && now.Generation == actor.Generation;
        }
        catch (StoreException)
        {
            return true;
        }
    }

    [LoggerMessage(EventId = 1, EventName = "DrainTimedOut", Level = LogLevel.Warning,
        Message = "Actor {ActorId} generation {Generation} did not stop within the grace of the drain of runner {RunnerId}; it is given up and follows its crash policy. Is drain_grace_period long enough, and does the runner answer stop calls?")]
    private static partial void LogTimedOut(ILogger logger, string actorId, long generation, string runnerId);

    [LoggerMessage(EventId = 2, EventName = "StopBroke", Level = LogLevel.Error, Message = "Stopping actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogStopBroke(ILogger logger, Exception exception, string actorId);
}
