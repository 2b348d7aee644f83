using System.Collections.Concurrent;
using Guard.Core.Options;
using Guard.Core.State.Actors;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Starts actors with crash policy restart when they are due, without any request asking for them. A restart is a wake as any other, except
/// that it does not wait for a slot: without one the actor is pending, and due again a little later. A red pool gets no restarts but one as
/// its probe.
/// </summary>
internal sealed partial class RestartActors(
    ActorStarter starter, ProbeGate probes, PoolHealthTracker tracker, PoolSettingsSource settings, LiveOptions options, ILogger<RestartActors> logger)
    : IPoolJob
{
    /// <summary>Restarts of this Guard under way at once: a runner that hangs holds each up for <c>Runners:StartTimeout</c>.</summary>
    public const int MaxConcurrent = 256;

    private readonly ConcurrentDictionary<ActorId, bool> _running = new();

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        var due = look.Sweep.DueRestarts.Where(id => !_running.ContainsKey(id)).ToArray();
        if (due.Length > 0)
        {
            await BeginAsync(look.Pool, due, cancellationToken);
        }

        // Those that are not begun, or come to nothing, are still due at the next look.
        var next = look.Sweep.NextRestart ?? TimeSpan.MaxValue;
        return look.Sweep.DueRestarts.Count > 0 && look.Period < next ? look.Period : next;
    }

    private async ValueTask BeginAsync(PoolId pool, ActorId[] due, CancellationToken cancellationToken)
    {
        var failFast = options.Current.FailFast;
        if (failFast is { Mode: FailFastMode.Enforce, RefuseWhenRed: true }
            && await tracker.ReadAsync(pool, settings.Get(pool).CacheTtl, cancellationToken) is { IsRed: true } red)
        {
            await ProbeAsync(red, due, cancellationToken);
            return;
        }

        BeginAll(pool, due, cancellationToken);
    }

    /// <summary>One asks for all that are due, as requests do: where it is refused the others would be.</summary>
    private async ValueTask ProbeAsync(PoolHealthSnapshot red, ActorId[] due, CancellationToken cancellationToken)
    {
        if (probes.WasJustRefused(red) || _running.Count >= MaxConcurrent)
        {
            return;
        }

        var grant = await probes.AskAsync(due[0], red.Pool);
        try
        {
            if (grant is { IsGranted: true } granted)
            {
                Begin(due[0], red.Pool, granted.ProbeId, cancellationToken);
            }
            else if (grant is not { Health.IsRed: true })
            {
                BeginAll(red.Pool, due, cancellationToken);
            }
        }
        finally
        {
            probes.Admitted(due[0]);
        }
    }

    private void BeginAll(PoolId pool, ActorId[] due, CancellationToken stopping)
    {
        foreach (var id in due)
        {
            if (_running.Count >= MaxConcurrent)
            {
                return;
            }

            Begin(id, pool, probeId: null, stopping);
        }
    }

    private void Begin(ActorId id, PoolId pool, long? probeId, CancellationToken stopping)
    {
        if (_running.TryAdd(id, true))
        {
            _ = RunAsync(id, pool, probeId, stopping);
        }
    }

    private async Task RunAsync(ActorId id, PoolId pool, long? probeId, CancellationToken stopping)
    {
        var isReady = false;
        try
        {
            var outcome = await starter.Restart(id, pool, stopping).Completion;
            LogRestarted(logger, id.ToString(), pool.ToString(), outcome.Status);
            isReady = outcome.Status == WakeStatus.Ready;
        }
        catch (Exception e)
        {
            LogRestartBroke(logger, e, id.ToString());
        }
        finally
        {
            _running.TryRemove(id, out _);
        }

        if (probeId is { } probe)
        {
            await probes.EndAsync(pool, probe, isReady);
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ActorRestarted", Level = LogLevel.Debug, Message = "Restart of actor {ActorId} of pool {Pool} was due: {Outcome}")]
    private static partial void LogRestarted(ILogger logger, string actorId, string pool, WakeStatus outcome);

    [LoggerMessage(EventId = 2, EventName = "RestartBroke", Level = LogLevel.Error, Message = "The restart of actor {ActorId} broke; this is a bug in Guard")]
    private static partial void LogRestartBroke(ILogger logger, Exception exception, string actorId);
}
