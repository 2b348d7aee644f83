using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Opens and drains the connections of serverless pools (docs/contract.md, section 8), for the pools whose lease this Guard holds: what to do
/// comes out of each sweep (<see cref="ServerlessPlan"/>), and is asked for again whenever something changes. Streams of Guards that have
/// died are lost at once. <see cref="KeepAsync"/> and <see cref="Lost"/> are called by the sweeper, one call at a time; the rest is thread-safe.
/// </summary>
internal sealed partial class ServerlessPoolManager(
    ServerlessConnect connect,
    ServerlessStreams streams,
    IRunnerStore runners,
    IPoolUpkeepStore upkeep,
    IPoolHealthStore health,
    MetadataPoller metadata,
    StarterLiveness liveness,
    PoolAttention attention,
    GuardIdentity identity,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    Random random,
    ILogger<ServerlessPoolManager> logger)
{
    /// <summary>A stream that ends sooner after its connect was not worth opening the next at once: about what an init may take.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10);

    /// <summary>A stream that ends by itself sooner after its init gave a runner that nobody could use: an error of the pool, as if it had
    /// ended before. Without that, requests would be held to their deadlines by a pool that looks well.</summary>
    private static readonly TimeSpan NoLife = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<PoolId, ManagedPool> _pools = new();

    /// <summary>Acts on a sweep of a pool whose lease this Guard holds.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async ValueTask KeepAsync(PoolId id, PoolSweep sweep, CancellationToken cancellationToken)
    {
        var serverless = sweep.Config?.Serverless;
        if (serverless is null && sweep.Streams.Count == 0)
        {
            Lost(id);
            return;
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
            await ConnectAsync(pool, sweep.Config!, plan.Connect, cancellationToken);
        }
    }

    /// <summary>This Guard does not manage the pool, or not any more.</summary>
    public void Lost(PoolId id)
    {
        if (_pools.TryRemove(id, out var pool))
        {
            pool.Lost();
            metrics.SetServerlessPlan(id, 0, TimeSpan.Zero);
        }
    }

    /// <summary>Whether this Guard manages the pool.</summary>
    public bool Manages(PoolId id) => _pools.ContainsKey(id);

    private ManagedPool PoolOf(PoolId id, string terms)
    {
        if (_pools.TryGetValue(id, out var known) && known.Terms == terms)
        {
            return known;
        }

        Lost(id);
        return _pools[id] = new(id, terms, time, random);
    }

    /// <summary>Stops runners whose Guard is dead, and those this Guard is said to hold but does not: their streams are gone.</summary>
    private async ValueTask<IReadOnlyList<StreamRunner>> WithoutOrphansAsync(
        ManagedPool pool, IReadOnlyList<StreamRunner> all, CancellationToken cancellationToken)
    {
        var gone = new HashSet<string>();
        foreach (var owner in all.Select(s => s.Owner).Where(o => o != identity.Id).Distinct())
        {
            if (await liveness.IsDeadAsync(owner))
            {
                gone.Add(owner);
            }
        }

        var living = new List<StreamRunner>(all.Count);
        foreach (var stream in all)
        {
            var isOrphan = stream.Owner == identity.Id ? !streams.Holds(stream.RunnerId) : gone.Contains(stream.Owner);
            if (!isOrphan)
            {
                // A Guard that leaves and still has the lease is alone: what it would replace its own with goes when it does.
                living.Add(stream.Owner == identity.Id ? stream with { IsLeaving = false } : stream);
            }
            else if (await runners.DeleteAsync(stream.RunnerId, cancellationToken))
            {
                LogOrphaned(logger, stream.RunnerId, pool.Id, stream.Owner);
            }
        }

        return living;
    }

    private async ValueTask ConnectAsync(ManagedPool pool, PoolConfig config, int wanted, CancellationToken cancellationToken)
    {
        // What passes a red pool as its probe wants to know whether it heals: one connect, whatever the wait.
        var probe = pool.Wait > TimeSpan.Zero ? await health.OpenProbeAsync(pool.Id, cancellationToken) : 0;
        var isProbe = probe != 0 && probe != pool.ProbeUsed;
        var allowed = pool.Allow(wanted, isProbe);
        if (allowed > 0 && isProbe)
        {
            pool.ProbeUsed = probe;
        }

        var target = new ServerlessTarget(pool.Id, config.Serverless!, PoolSettings.Resolve(config.Guard, options.Current).InitTimeout);
        for (var i = 0; i < allowed; i++)
        {
            var runnerId = ActorId.New((ushort)options.Current.Datacenter.Label).ToString();
            _ = OpenAsync(pool, pool.Begin(runnerId), target);
        }
    }

    private async Task OpenAsync(ManagedPool pool, ConnectAttempt attempt, ServerlessTarget target)
    {
        try
        {
            var result = await connect(target, attempt.Unwanted);
            if (result.Stream is { } stream)
            {
                await TakeInAsync(pool, attempt, stream);
            }
            else
            {
                await FailedAsync(pool, attempt, result.Error!);
            }
        }
        catch (OperationCanceledException) when (attempt.Unwanted.IsCancellationRequested)
        {
            metrics.ServerlessConnectEnded(pool.Id, "cancelled");
            pool.End(attempt);
        }
        catch (Exception e)
        {
            LogConnectBroke(logger, e, pool.Id);
            await FailedAsync(pool, attempt, new(PoolErrorKind.InternalError));
        }

        // There may be more to do than this one was allowed.
        attention.LookSoon(pool.Id);
    }

    private async Task TakeInAsync(ManagedPool pool, ConnectAttempt attempt, ServerlessStream stream)
    {
        switch (await streams.AdoptAsync(attempt.RunnerId, pool.Id, attempt.Terms, attempt.Begun, stream))
        {
            case Adoption.Downgrade:
                await FailedAsync(pool, attempt, new(PoolErrorKind.Downgrade));
                return;
            case Adoption.NoPool:
                pool.End(attempt);
                return;
        }

        // An init is a success, however long its stream lasts; one that lasts no time is an error after it.
        var established = time.GetTimestamp();
        metrics.ServerlessConnectEnded(pool.Id, "init");
        if (pool.Connected(attempt, stream.Init.Version))
        {
            LogOldVersion(logger, pool.Id, stream.Init.Version);
        }

        if (pool.Succeeded(attempt))
        {
            LogHealed(logger, pool.Id);
            await TellAsync(upkeep.TellConnectAsync(pool.Id, null, TimeSpan.Zero, CancellationToken.None));
        }

        await ReportAsync(health.ReportSuccessAsync(pool.Id, CancellationToken.None));
        _ = EndWithStreamAsync(pool, attempt, stream, established);
    }

    /// <summary>A stream that ends before a sweep has shown its runner is not being opened any more.</summary>
    private async Task EndWithStreamAsync(ManagedPool pool, ConnectAttempt attempt, ServerlessStream stream, long established)
    {
        await stream.Ended;
        var hadNoLife = stream.EndedByItself && time.GetElapsedTime(established) < NoLife;
        pool.End(attempt);
        if (stream.EndedByItself && time.GetElapsedTime(attempt.Begun) < ShortLife)
        {
            pool.EndedSoon(attempt, hadNoLife);
        }

        if (hadNoLife && !IsEstablishedBeside(pool, attempt))
        {
            const PoolErrorKind Kind = PoolErrorKind.ServerlessStreamEndedEarly;
            LogNoLife(logger, pool.Id);
            await TellAsync(upkeep.TellConnectAsync(pool.Id, Kind, pool.Wait, CancellationToken.None));
            await ReportAsync(health.ReportErrorAsync(pool.Id, new(Kind), CancellationToken.None));
        }

        attention.LookSoon(pool.Id);
    }

    private async Task FailedAsync(ManagedPool pool, ConnectAttempt attempt, PoolError error)
    {
        metrics.ServerlessConnectEnded(pool.Id, error.Kind.Name());
        var isNew = pool.Failed(attempt, error);
        var isReported = !IsEstablishedBeside(pool, attempt);
        if (isNew)
        {
            LogFailed(logger, pool.Id, error.Kind.Name(), error.StatusCode, pool.Wait.TotalSeconds, isReported);
        }

        // Before the pool turns red by it: whoever is refused then is told when to come again.
        await TellAsync(upkeep.TellConnectAsync(pool.Id, error.Kind, pool.Wait, CancellationToken.None));
        if (isReported)
        {
            await ReportAsync(health.ReportErrorAsync(pool.Id, error, CancellationToken.None));
        }
    }

    private bool IsEstablishedBeside(ManagedPool pool, ConnectAttempt attempt) => pool.IsEstablishedBeside(attempt) || streams.HasAny(pool.Id);

    private Task ReportAsync(ValueTask<PoolHealthSnapshot> report) => TellAsync(new ValueTask(report.AsTask()));

    private async Task TellAsync(ValueTask report)
    {
        try
        {
            await report;
        }
        catch (StoreUnavailableException e)
        {
            LogNotReported(logger, e);
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ServerlessConnectFailed", Level = LogLevel.Warning,
        Message = "Connecting to the endpoint of pool {Pool} failed: {Error} (status {Status}); the next try in {Seconds:0.0} s. Reported to the pool's health: {IsReported} (not while another connection is established). The same failure again is not logged")]
    private static partial void LogFailed(ILogger logger, PoolId pool, string error, int? status, double seconds, bool isReported);

    [LoggerMessage(EventId = 2, EventName = "ServerlessConnectHealed", Level = LogLevel.Information, Message = "The endpoint of pool {Pool} can be connected to again")]
    private static partial void LogHealed(ILogger logger, PoolId pool);

    [LoggerMessage(EventId = 3, EventName = "ServerlessDrains", Level = LogLevel.Information,
        Message = "Runner {RunnerId} of pool {Pool} drains, with {Actors} actors: it is replaced, or more than the {Desired} connections desired are there")]
    private static partial void LogDrains(ILogger logger, string runnerId, PoolId pool, int actors, int desired);

    [LoggerMessage(EventId = 4, EventName = "ServerlessOrphaned", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} of pool {Pool} is lost: Guard {Owner}, which held its connection, has died. Its actors follow their crash policy")]
    private static partial void LogOrphaned(ILogger logger, string runnerId, PoolId pool, string owner);

    [LoggerMessage(EventId = 5, EventName = "ServerlessConnectBroke", Level = LogLevel.Error, Message = "A connect of pool {Pool} broke; this is a bug in Guard")]
    private static partial void LogConnectBroke(ILogger logger, Exception exception, PoolId pool);

    [LoggerMessage(EventId = 7, EventName = "ServerlessOldVersion", Level = LogLevel.Warning,
        Message = "The endpoint of pool {Pool} announces a higher version than the {Version} its new runners come with: that version is taken as it is until another one is announced. Do /start and /metadata reach the same deployment?")]
    private static partial void LogOldVersion(ILogger logger, PoolId pool, int version);

    [LoggerMessage(EventId = 6, EventName = "ServerlessNotReported", Level = LogLevel.Debug,
        Message = "The outcome of a connect could not be reported to the pool's health: the store does not answer")]
    private static partial void LogNotReported(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 8, EventName = "ServerlessNoLife", Level = LogLevel.Warning,
        Message = "A connection of pool {Pool} ended within a second of its init: reported to the pool's health. Does the endpoint keep its reply open?")]
    private static partial void LogNoLife(ILogger logger, PoolId pool);
}
