using Guard.Core.Diagnostics;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>Tells how connects of serverless pools end: metrics, then every Guard by the feed, then the pool's health. In that order, so that
/// whoever is refused because the pool turned red is told when the next connect is tried. Thread-safe.</summary>
internal sealed partial class ConnectReports(
    IPoolUpkeepStore upkeep, IPoolHealthStore health, ServerlessStreams streams, GuardMetrics metrics, ILogger<ScaleServerless> logger)
{
    public void Cancelled(PoolId pool) => metrics.ServerlessConnectEnded(pool, "cancelled");

    /// <summary>An init is a success, however long its stream lasts; one that lasts no time is an error after it.</summary>
    public async Task SucceededAsync(ManagedPool pool, ConnectAttempt attempt)
    {
        metrics.ServerlessConnectEnded(pool.Id, "init");
        if (pool.Succeeded(attempt))
        {
            LogHealed(logger, pool.Id);
            await TellAsync(upkeep.TellConnectAsync(pool.Id, null, TimeSpan.Zero, CancellationToken.None));
        }

        await ReportAsync(health.ReportSuccessAsync(pool.Id, CancellationToken.None));
    }

    /// <summary>A stream ended so soon after its init that it is an error of the pool; not while another one is established.</summary>
    public async Task HadNoLifeAsync(ManagedPool pool, ConnectAttempt attempt)
    {
        if (IsEstablishedBeside(pool, attempt))
        {
            return;
        }

        const PoolErrorKind Kind = PoolErrorKind.ServerlessStreamEndedEarly;
        LogNoLife(logger, pool.Id);
        await TellAsync(upkeep.TellConnectAsync(pool.Id, Kind, pool.Wait, CancellationToken.None));
        await ReportAsync(health.ReportErrorAsync(pool.Id, new(Kind), CancellationToken.None));
    }

    public async Task FailedAsync(ManagedPool pool, ConnectAttempt attempt, PoolError error)
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
        catch (StoreException e)
        {
            LogNotReported(logger, e);
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ServerlessConnectFailed", Level = LogLevel.Warning,
        Message = "Connecting to the endpoint of pool {Pool} failed: {Error} (status {Status}); the next try in {Seconds:0.0} s. Reported to the pool's health: {IsReported} (not while another connection is established). The same failure again is not logged")]
    private static partial void LogFailed(ILogger logger, PoolId pool, string error, int? status, double seconds, bool isReported);

    [LoggerMessage(EventId = 2, EventName = "ServerlessConnectHealed", Level = LogLevel.Information, Message = "The endpoint of pool {Pool} can be connected to again")]
    private static partial void LogHealed(ILogger logger, PoolId pool);

    [LoggerMessage(EventId = 6, EventName = "ServerlessNotReported", Level = LogLevel.Debug,
        Message = "The outcome of a connect could not be reported to the pool's health: the store does not answer")]
    private static partial void LogNotReported(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 8, EventName = "ServerlessNoLife", Level = LogLevel.Warning,
        Message = "A connection of pool {Pool} ended within a second of its init: reported to the pool's health. Does the endpoint keep its reply open?")]
    private static partial void LogNoLife(ILogger logger, PoolId pool);
}
