using Guard.Core.Options;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>Opens connections to the endpoints of serverless pools, as many as their back-off lets, and hands those that are established to
/// <see cref="ServerlessStreams"/>. Thread-safe.</summary>
internal sealed partial class ServerlessConnects(
    ServerlessConnect connect,
    ServerlessStreams streams,
    ConnectReports reports,
    IPoolHealthStore health,
    PoolAttention attention,
    LiveOptions options,
    TimeProvider time,
    Random random,
    ILogger<ScaleServerless> logger)
{
    /// <summary>A stream that ends sooner after its connect was not worth opening the next at once: about what an init may take.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10);

    /// <summary>A stream that ends by itself sooner after its init gave a runner that nobody could use: an error of the pool, as if it had
    /// ended before. Without that, requests would be held to their deadlines by a pool that looks well.</summary>
    private static readonly TimeSpan NoLife = TimeSpan.FromSeconds(1);

    /// <summary>A pool that nothing is known of yet.</summary>
    public ManagedPool Manage(PoolId id, string terms) => new(id, terms, time, random);

    /// <summary>Begins as many connects of those wanted as may be begun now.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public async ValueTask BeginAsync(ManagedPool pool, PoolConfig config, int wanted, CancellationToken cancellationToken)
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
                await reports.FailedAsync(pool, attempt, result.Error!);
            }
        }
        catch (OperationCanceledException) when (attempt.Unwanted.IsCancellationRequested)
        {
            reports.Cancelled(pool.Id);
            pool.End(attempt);
        }
        catch (Exception e)
        {
            LogConnectBroke(logger, e, pool.Id);
            await reports.FailedAsync(pool, attempt, new(PoolErrorKind.InternalError));
        }

        // There may be more to do than this one was allowed.
        attention.LookSoon(pool.Id);
    }

    private async Task TakeInAsync(ManagedPool pool, ConnectAttempt attempt, ServerlessStream stream)
    {
        switch (await streams.AdoptAsync(attempt.RunnerId, pool.Id, attempt.Terms, attempt.Begun, stream))
        {
            case Adoption.Downgrade:
                await reports.FailedAsync(pool, attempt, new(PoolErrorKind.Downgrade));
                return;
            case Adoption.NoPool:
                pool.End(attempt);
                return;
        }

        var established = time.GetTimestamp();
        if (pool.Connected(attempt, stream.Init.Version))
        {
            LogOldVersion(logger, pool.Id, stream.Init.Version);
        }

        await reports.SucceededAsync(pool, attempt);
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

        if (hadNoLife)
        {
            await reports.HadNoLifeAsync(pool, attempt);
        }

        attention.LookSoon(pool.Id);
    }

    [LoggerMessage(EventId = 5, EventName = "ServerlessConnectBroke", Level = LogLevel.Error, Message = "A connect of pool {Pool} broke; this is a bug in Guard")]
    private static partial void LogConnectBroke(ILogger logger, Exception exception, PoolId pool);

    [LoggerMessage(EventId = 7, EventName = "ServerlessOldVersion", Level = LogLevel.Warning,
        Message = "The endpoint of pool {Pool} announces a higher version than the {Version} its new runners come with: that version is taken as it is until another one is announced. Do /start and /metadata reach the same deployment?")]
    private static partial void LogOldVersion(ILogger logger, PoolId pool, int version);
}
