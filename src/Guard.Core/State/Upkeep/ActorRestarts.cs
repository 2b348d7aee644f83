using System.Collections.Concurrent;
using Guard.Core.Options;
using Guard.Core.State.Actors;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Starts actors with crash policy restart when they are due, without any request asking for them. Driven by the Guard that holds the
/// pool's lease. A restart is a wake as any other, except that it does not wait for a slot: without one the actor is pending, and due again
/// a little later. A red pool gets no restarts but as its probe. <see cref="Begin"/> is called by one thread at a time.
/// </summary>
internal sealed partial class ActorRestarts(
    ActorStarter starter, IPoolHealthStore health, PoolHealthTracker tracker, PoolSettingsSource settings, LiveOptions options, ILogger<ActorRestarts> logger)
{
    /// <summary>Restarts of this Guard under way at once: a runner that hangs holds each up for <c>Runners:StartTimeout</c>.</summary>
    public const int MaxConcurrent = 256;

    private readonly ConcurrentDictionary<ActorId, bool> _running = new();

    /// <summary>Starts those for whom there is a place; the others are still due at the next look.</summary>
    public void Begin(PoolId pool, IReadOnlyList<ActorId> due, CancellationToken stopping)
    {
        foreach (var id in due)
        {
            if (_running.Count >= MaxConcurrent)
            {
                return;
            }

            if (_running.TryAdd(id, true))
            {
                _ = RunAsync(id, pool, stopping);
            }
        }
    }

    private async Task RunAsync(ActorId id, PoolId pool, CancellationToken stopping)
    {
        try
        {
            var probe = await AskAsync(pool, stopping);
            if (probe is { IsGranted: false })
            {
                return;
            }

            var outcome = await starter.Restart(id, pool, stopping).Completion;
            LogRestarted(logger, id.ToString(), pool.ToString(), outcome.Status);
            if (probe is { } granted)
            {
                await health.EndProbeAsync(pool, granted.ProbeId, outcome.Status == WakeStatus.Ready, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            // Still due, for whoever looks next.
        }
        catch (Exception e)
        {
            LogRestartBroke(logger, e, id.ToString());
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }

    /// <summary>Null when the pool is not red, or red pools are not refused.</summary>
    private async ValueTask<ProbeGrant?> AskAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var failFast = options.Current.FailFast;
        if (failFast is not { Mode: FailFastMode.Enforce, RefuseWhenRed: true }
            || !(await tracker.ReadAsync(pool, settings.Get(pool).CacheTtl, cancellationToken)).IsRed)
        {
            return null;
        }

        var grant = await health.TryGrantProbeAsync(pool, failFast.ProbeInterval, cancellationToken);
        return grant.IsGranted || grant.Health.IsRed ? grant : null;
    }

    [LoggerMessage(EventId = 1, EventName = "ActorRestarted", Level = LogLevel.Debug, Message = "Restart of actor {ActorId} of pool {Pool} was due: {Outcome}")]
    private static partial void LogRestarted(ILogger logger, string actorId, string pool, WakeStatus outcome);

    [LoggerMessage(EventId = 2, EventName = "RestartBroke", Level = LogLevel.Error, Message = "The restart of actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogRestartBroke(ILogger logger, Exception exception, string actorId);
}
