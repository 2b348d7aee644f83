using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Reads the metadata of the endpoints of the pools this Guard manages, every <c>metadata_poll_interval</c> while they have connections. A
/// higher version than that of the runners makes the manager replace them; an endpoint that does not answer changes nothing. Thread-safe.
/// </summary>
internal sealed partial class MetadataPoller(ServerlessMetadata read, TimeProvider time, ILogger<MetadataPoller> logger)
{
    /// <summary>The shortest interval that is allowed: docs/contract.md, section 8.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(5);

    /// <summary>Begins a read if one is due; never waits for it.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="config">Its serverless part.</param>
    /// <param name="streams">Its runners.</param>
    /// <param name="news">Called when the version announced is another.</param>
    public void Poll(ManagedPool pool, ServerlessPoolConfig config, IReadOnlyList<StreamRunner> streams, Action<PoolId> news)
    {
        var interval = TimeSpan.FromSeconds(config.MetadataPollInterval);
        if (streams.Count > 0 && pool.TryBeginRead(interval > MinInterval ? interval : MinInterval))
        {
            _ = ReadAsync(pool, config, streams.Max(s => s.Version), news);
        }
    }

    private async Task ReadAsync(ManagedPool pool, ServerlessPoolConfig config, int highest, Action<PoolId> news)
    {
        var since = time.GetTimestamp();
        try
        {
            var result = await read(config.Url, config.Headers, pool.Unwanted);
            if (result.Fault is { } fault)
            {
                if (pool.MetadataFailed(fault))
                {
                    LogFailed(logger, pool.Id, fault, result.Message);
                }
            }
            else if (pool.MetadataRead(result.Version!.Value, highest) is var announcement and not Announcement.Nothing)
            {
                if (announcement == Announcement.Upgrade)
                {
                    LogUpgrade(logger, pool.Id, result.Version.Value, highest);
                }
                else
                {
                    LogLower(logger, pool.Id, result.Version.Value, highest);
                }

                news(pool.Id);
            }
        }
        catch (OperationCanceledException) when (pool.Unwanted.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            LogBroke(logger, e, pool.Id, time.GetElapsedTime(since).TotalSeconds);
        }
        finally
        {
            pool.EndRead();
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ServerlessMetadataFailed", Level = LogLevel.Warning,
        Message = "The metadata of the endpoint of pool {Pool} cannot be read: {Fault} ({Reason}). A new version is noticed only by the runners that connect; nothing else changes")]
    private static partial void LogFailed(ILogger logger, PoolId pool, MetadataFault fault, string? reason);

    [LoggerMessage(EventId = 2, EventName = "ServerlessUpgrade", Level = LogLevel.Information,
        Message = "The endpoint of pool {Pool} announces version {Version}, its runners are of version {Highest} at most: they are replaced if the pool drains on version upgrades")]
    private static partial void LogUpgrade(ILogger logger, PoolId pool, int version, int highest);

    [LoggerMessage(EventId = 3, EventName = "ServerlessLowerVersion", Level = LogLevel.Warning,
        Message = "The endpoint of pool {Pool} announces version {Version}, lower than the {Highest} of its runners. Nothing is drained, and runners of that version are refused while higher ones serve: give a rollback a higher version number")]
    private static partial void LogLower(ILogger logger, PoolId pool, int version, int highest);

    [LoggerMessage(EventId = 4, EventName = "ServerlessMetadataBroke", Level = LogLevel.Error, Message = "Reading the metadata of pool {Pool} broke after {Seconds:0.0} s; this is a bug in Guard")]
    private static partial void LogBroke(ILogger logger, Exception exception, PoolId pool, double seconds);
}
