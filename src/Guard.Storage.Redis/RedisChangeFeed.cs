using System.Globalization;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Storage.Redis;

/// <summary>
/// The change feed of a Redis store: what its scripts publish, in their order. Redis forgets what it published while this Guard could not
/// hear; so after every reconnect, once it hears itself again, and when something cannot be read, the sinks are told of a gap. A sink that
/// throws is logged and does not keep the others from hearing. Thread-safe.
/// </summary>
internal sealed partial class RedisChangeFeed : IChangeFeed
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private readonly RedisConnection _redis;
    private readonly bool _hearsHealth;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisChangeFeed> _logger;
    private readonly Lock _gate = new();
    private readonly string _self = Guid.NewGuid().ToString("N");
    private volatile IChangeSink[] _sinks = [];
    private volatile TaskCompletionSource? _echo;
    private volatile TaskCompletionSource? _restored;
    private bool _hasEvents;
    private bool _hasHealth;

    /// <param name="redis">Where.</param>
    /// <param name="hearsHealth">Whether changes of health are listened for too.</param>
    /// <param name="time">The clock of waits.</param>
    /// <param name="logger">Told of what nobody is thrown.</param>
    public RedisChangeFeed(RedisConnection redis, bool hearsHealth, TimeProvider time, ILogger<RedisChangeFeed> logger)
    {
        _redis = redis;
        _hearsHealth = hearsHealth;
        _time = time;
        _logger = logger;
        redis.Restored += () => _restored?.TrySetResult();
    }

    /// <inheritdoc/>
    public void Subscribe(IChangeSink sink)
    {
        lock (_gate)
        {
            _sinks = [.. _sinks, sink];
        }
    }

    /// <summary>Listens, tells of the gap that ends with it, and returns once something may have been missed again. Called again and again
    /// for as long as the feed is wanted, after a failure too; by one caller.</summary>
    /// <exception cref="StoreException">Redis does not let this Guard listen now.</exception>
    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        // What is restored before this is heard of by what follows.
        var restored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _restored = restored;
        if (!_hasEvents)
        {
            await _redis.SubscribeAsync(_redis.Keys.Events, OnEvent);
            _hasEvents = true;
        }

        if (_hearsHealth && !_hasHealth)
        {
            await _redis.SubscribeAsync(_redis.Keys.Health, OnHealth);
            _hasHealth = true;
        }

        // What was published before the first echo was not heard either.
        await HearItselfAsync(cancellationToken);
        Tell(0, static (sink, _) => sink.Gap());
        await restored.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Publishes a word of its own until it comes back: only then is it certain that whatever is published will be heard.</summary>
    private async Task HearItselfAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var echo = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _echo = echo;
            await _redis.CallAsync("echo", db => db.PublishAsync(_redis.Keys.Events, $"e|{_self}"), cancellationToken);
            try
            {
                await echo.Task.WaitAsync(Patience, _time, cancellationToken);
                return;
            }
            catch (TimeoutException)
            {
            }
        }
    }

    private void OnEvent(string text)
    {
        var parts = text.Split('|');
        if (parts is ["e", var who])
        {
            if (who == _self)
            {
                _echo?.TrySetResult();
            }
        }
        else if (parts is ["a", var ofPool, var actor, var number] && RedisHash.ParsePool(ofPool) is { } pool && ActorId.TryParse(actor, out var id)
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var revision))
        {
            Tell((id, pool, revision), static (sink, change) => sink.ActorChanged(change.id, change.pool, change.revision));
        }
        else if (parts is ["c", var withRoom] && RedisHash.ParsePool(withRoom) is { } roomy)
        {
            Tell(roomy, static (sink, changed) => sink.CapacityChanged(changed));
        }
        else if (parts is ["w", var without] && RedisHash.ParsePool(without) is { } full)
        {
            Tell(full, static (sink, changed) => sink.CapacityWanted(changed));
        }
        else if (parts is ["f", var connected, var failure, var ms] && RedisHash.ParsePool(connected) is { } endpoint
            && int.TryParse(failure, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var kind)
            && long.TryParse(ms, NumberStyles.None, CultureInfo.InvariantCulture, out var wait))
        {
            Tell(
                (endpoint, Kind: kind < 0 ? (PoolErrorKind?)null : Enum.IsDefined((PoolErrorKind)kind) ? (PoolErrorKind)kind : PoolErrorKind.InternalError, Wait: TimeSpan.FromMilliseconds(wait)),
                static (sink, ended) => sink.ConnectEnded(ended.endpoint, ended.Kind, ended.Wait));
        }
        else if (parts is ["p", var configured] && RedisHash.ParsePool(configured) is { } config)
        {
            Tell(config, static (sink, changed) => sink.PoolConfigChanged(changed));
        }
        else
        {
            Unreadable();
        }
    }

    private void OnHealth(string text)
    {
        if (RedisPoolHealthStore.ReadPushed(text) is { } health)
        {
            Tell(health, static (sink, changed) => sink.PoolHealthChanged(changed));
        }
        else
        {
            Unreadable();
        }
    }

    // From a newer Guard, or from somebody who has no business on this channel: it may be about anything.
    private void Unreadable()
    {
        LogUnreadable(_logger);
        Tell(0, static (sink, _) => sink.Gap());
    }

    private void Tell<T>(T change, Action<IChangeSink, T> tell)
    {
        foreach (var sink in _sinks)
        {
            try
            {
                tell(sink, change);
            }
            catch (Exception e)
            {
                LogSinkFailed(_logger, e, sink.GetType().Name);
            }
        }
    }

    [LoggerMessage(EventId = 1, EventName = "ChangeSinkFailed", Level = LogLevel.Error,
        Message = "{Sink} threw on a change of the store; that listener may not know of it. This is a bug in Guard.")]
    private static partial void LogSinkFailed(ILogger logger, Exception exception, string sink);

    [LoggerMessage(EventId = 2, EventName = "ChangeUnreadable", Level = LogLevel.Debug,
        Message = "A message on Guard's channels in Redis cannot be read; everything of interest is read again. Is a newer Guard, or something else, publishing there?")]
    private static partial void LogUnreadable(ILogger logger);
}
