using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Upkeep;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Opens and drains the connections of serverless pools that this Guard keeps: what to do comes out of each sweep
/// (<see cref="ServerlessPlan"/>), and is asked for again whenever something changes. Streams of Guards that have died are lost at once.
/// </summary>
internal sealed partial class ScaleServerless(
    ServerlessConnects connects,
    ServerlessStreams streams,
    IRunnerStore runners,
    MetadataPoller metadata,
    StarterLiveness liveness,
    PoolAttention attention,
    GuardMetrics metrics,
    ILogger<ScaleServerless> logger) : IPoolJob
{
    private readonly ConcurrentDictionary<PoolId, ManagedPool> _pools = new();

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        var (id, sweep) = (look.Pool, look.Sweep);
        var serverless = sweep.Config?.Serverless;
        if (serverless is null && sweep.Streams.Count == 0)
        {
            Lost(id);
            return TimeSpan.MaxValue;
        }

        var pool = PoolOf(id, serverless is null ? "" : StreamTerms.Of(serverless));
        var living = await WithoutOrphansAsync(pool, sweep.Streams, cancellationToken);
        var connecting = pool.Look(living);
        var plan = ServerlessPlan.Of(new(sweep.Config, living, sweep.Pending, connecting, pool.NewVersion, pool.Peak.Value));
        pool.Peak.Note(plan.Desired);
        metrics.SetServerlessPlan(id, plan.Desired, pool.Wait);
        foreach (var stream in plan.Drain)
        {
            if (await runners.DrainAsync(stream.RunnerId, cancellationToken))
            {
                LogDrains(logger, stream.RunnerId, id, stream.Actors, plan.Desired);
            }
        }

        if (serverless is not null)
        {
            metadata.Poll(pool, serverless, living, attention.LookSoon);
        }

        if (plan.Connect > 0 && !streams.IsDraining)
        {
            await connects.BeginAsync(pool, sweep.Config!, plan.Connect, cancellationToken);
        }

        // Nothing there and nothing wanted: the feed tells when that changes.
        var isIdle = living.Count == 0 && connecting == 0 && sweep.Pending == 0 && plan is { Desired: 0, Connect: 0 } && pool.Wait == TimeSpan.Zero;
        return isIdle ? TimeSpan.MaxValue : look.Period;
    }

    /// <inheritdoc/>
    public void Lost(PoolId id)
    {
        if (_pools.TryRemove(id, out var pool))
        {
            pool.Lost();
            metrics.SetServerlessPlan(id, 0, TimeSpan.Zero);
        }
    }

    private ManagedPool PoolOf(PoolId id, string terms)
    {
        if (_pools.TryGetValue(id, out var known) && known.Terms == terms)
        {
            return known;
        }

        Lost(id);
        return _pools[id] = connects.Manage(id, terms);
    }

    /// <summary>Stops runners whose Guard is dead, and those this Guard is said to hold but does not: their streams are gone.</summary>
    private async ValueTask<IReadOnlyList<StreamRunner>> WithoutOrphansAsync(
        ManagedPool pool, IReadOnlyList<StreamRunner> all, CancellationToken cancellationToken)
    {
        var gone = new HashSet<string>();
        foreach (var owner in all.Select(s => s.Owner).Distinct())
        {
            if (await liveness.IsDeadAsync(owner))
            {
                gone.Add(owner);
            }
        }

        var living = new List<StreamRunner>(all.Count);
        foreach (var stream in all)
        {
            var isOrphan = streams.IsOwn(stream) ? !streams.Holds(stream.RunnerId) : gone.Contains(stream.Owner);
            if (!isOrphan)
            {
                // A Guard that leaves and still has the lease is alone: what it would replace its own with goes when it does.
                living.Add(streams.IsOwn(stream) ? stream with { IsLeaving = false } : stream);
            }
            else if (await runners.DeleteAsync(stream.RunnerId, cancellationToken))
            {
                LogOrphaned(logger, stream.RunnerId, pool.Id, stream.Owner);
            }
        }

        return living;
    }

    [LoggerMessage(EventId = 3, EventName = "ServerlessDrains", Level = LogLevel.Information,
        Message = "Runner {RunnerId} of pool {Pool} drains, with {Actors} actors: it is replaced, or more than the {Desired} connections desired are there")]
    private static partial void LogDrains(ILogger logger, string runnerId, PoolId pool, int actors, int desired);

    [LoggerMessage(EventId = 4, EventName = "ServerlessOrphaned", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} of pool {Pool} is lost: Guard {Owner}, which held its connection, has died. Its actors follow their crash policy")]
    private static partial void LogOrphaned(ILogger logger, string runnerId, PoolId pool, string owner);
}
