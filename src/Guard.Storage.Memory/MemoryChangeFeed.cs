using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Storage.Memory;

/// <summary>
/// The change feed of the embedded store: calls the sinks on the thread that made the change, after the store's locks are released, in
/// the order they subscribed. Nothing is lost, so there is never a gap; changes made by several threads at once may arrive in any order.
/// A sink that throws is logged and does not keep the others from hearing. Thread-safe.
/// </summary>
internal sealed partial class MemoryChangeFeed(ILogger<MemoryChangeFeed> logger) : IChangeFeed
{
    private readonly Lock _gate = new();
    private volatile IChangeSink[] _sinks = [];

    /// <inheritdoc/>
    public void Subscribe(IChangeSink sink)
    {
        lock (_gate)
        {
            _sinks = [.. _sinks, sink];
        }
    }

    public void PublishActor(ActorId id, PoolId pool, long revision)
        => Publish((id, pool, revision), static (sink, change) => sink.ActorChanged(change.id, change.pool, change.revision));

    public void PublishPoolHealth(PoolHealthSnapshot health) => Publish(health, static (sink, health) => sink.PoolHealthChanged(health));

    public void PublishCapacity(PoolId pool) => Publish(pool, static (sink, pool) => sink.CapacityChanged(pool));

    public void PublishCapacityWanted(PoolId pool) => Publish(pool, static (sink, pool) => sink.CapacityWanted(pool));

    public void PublishConnect(PoolId pool, PoolErrorKind? failure, TimeSpan wait)
        => Publish((pool, failure, wait), static (sink, ended) => sink.ConnectEnded(ended.pool, ended.failure, ended.wait));

    public void PublishPoolConfig(PoolId pool) => Publish(pool, static (sink, pool) => sink.PoolConfigChanged(pool));

    private void Publish<T>(T change, Action<IChangeSink, T> tell)
    {
        foreach (var sink in _sinks)
        {
            try
            {
                tell(sink, change);
            }
            catch (Exception e)
            {
                // The change has happened: whoever made it must not fail for a listener's fault.
                LogSinkFailed(logger, e, sink.GetType().Name);
            }
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ChangeSinkFailed", Level = LogLevel.Error,
        Message = "{Sink} threw on a change of the store; the change stands, but that listener may not know of it. This is a bug in Guard.")]
    private static partial void LogSinkFailed(ILogger logger, Exception exception, string sink);
}
