using System.Collections.Concurrent;
using System.Net.Sockets;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Guard.Storage.Redis;

/// <summary>
/// The one connection of this Guard to Redis, and the one way to call it: every call has its own deadline, is measured, and fails as
/// <see cref="StoreException"/> and nothing else. Connects in the background: neither making one nor the first
/// call waits longer than that deadline. Thread-safe.
/// </summary>
/// <remarks>
/// Contact is lost when a call fails and none has succeeded for as long as a call may take; one slow call among good ones is no outage.
/// While it is lost calls fail at once, so that nothing piles up before a socket nobody reads, and one trial at a time (each 0.25 to 0.5 s)
/// finds out when Redis is back.
/// </remarks>
internal sealed partial class RedisConnection : IAsyncDisposable
{
    /// <summary>What a Redis that is there, but cannot serve now, begins its errors with.</summary>
    private static readonly string[] NotNow =
        ["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "NOREPLICAS", "BUSY", "NOAUTH", "NOPERM", "WRONGPASS", "MOVED", "ASK"];

    private readonly StoreContact _contact;
    private readonly Action<string, string, TimeSpan> _observe;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisConnection> _logger;
    private readonly TimeSpan _deadline;
    private readonly Task<ConnectionMultiplexer> _connecting;
    private readonly ConcurrentDictionary<string, RedisScript> _scripts = new();
    private readonly ConcurrentDictionary<string, bool> _rejected = new();
    private readonly FormatCheck _format;
    private readonly CancellationTokenSource _stopped = new();
    private string? _clock;
    private volatile bool _isAsked;
    private long _lastSuccess;

    /// <param name="settings">Of <see cref="RedisSettings"/>.</param>
    /// <param name="keys">Names of keys.</param>
    /// <param name="deadline">How long one call may take.</param>
    /// <param name="contact">Told whether Redis answers.</param>
    /// <param name="observe">Told of every call: its op, its result (ok, timeout or failed) and how long it took.</param>
    /// <param name="time">The clock of deadlines.</param>
    /// <param name="logger">Told of what a caller cannot know.</param>
    public RedisConnection(
        ConfigurationOptions settings, RedisKeys keys, TimeSpan deadline, StoreContact contact, Action<string, string, TimeSpan> observe, TimeProvider time,
        ILogger<RedisConnection> logger)
    {
        Keys = keys;
        _format = new(keys);
        _deadline = deadline;
        _contact = contact;
        _observe = observe;
        _time = time;
        _logger = logger;
        _lastSuccess = time.GetTimestamp();
        _connecting = ConnectAsync(settings);
    }

    /// <summary>Raised when events may have been missed: the connection, or the contact, was lost and is back.</summary>
    public event Action? Restored;

    public RedisKeys Keys { get; }

    /// <summary>Stands in for the scripts' part <c>clock</c>: tests move the time of a real Redis with it.</summary>
    public string? Clock
    {
        get => _clock;
        set
        {
            _clock = value;
            _scripts.Clear();
        }
    }

    /// <summary>Hears a channel, in order, on a thread of the client. Goes on by itself over reconnects, with gaps.</summary>
    public async Task SubscribeAsync(RedisChannel channel, Action<string> heard)
    {
        try
        {
            var redis = await _connecting;
            var queue = await redis.GetSubscriber().SubscribeAsync(channel);
            queue.OnMessage(message => heard(message.Message.ToString()));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new StoreException(KindOf(e), "Redis lets nobody subscribe", e);
        }
    }

    /// <summary>Runs a script. Its keys must be of one slot.</summary>
    public Task<RedisReply> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken)
    {
        var loaded = Script(script);
        return CallAsync(script, db => EvaluateAsync(db, loaded, keys, arguments), cancellationToken);
    }

    /// <summary>Runs a script as a part of a call of <see cref="CallAsync"/>: in one round trip with what the call starts beside it.</summary>
    public Task<RedisReply> EvaluateAsync(IDatabase db, string script, RedisKey[] keys, RedisValue[] arguments)
        => EvaluateAsync(db, Script(script), keys, arguments);

    /// <summary>Runs a script several times, each on one key, all in one round trip.</summary>
    public Task<RedisReply[]> EvaluateManyAsync(
        string script, IReadOnlyList<(RedisKey Key, RedisValue[] Arguments)> runs, CancellationToken cancellationToken)
    {
        var loaded = Script(script);
        return CallAsync(script, db => Task.WhenAll(runs.Select(run => EvaluateAsync(db, loaded, [run.Key], run.Arguments))), cancellationToken);
    }

    /// <summary>The store's time, Unix ms.</summary>
    public async Task<long> NowAsync(CancellationToken cancellationToken)
        => (long)await EvaluateAsync("time", [Keys.Namespaces], [], cancellationToken);

    /// <summary>Runs one command, or several at once.</summary>
    /// <param name="op">The <c>op</c> of metrics.</param>
    /// <param name="call">Starts it.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public Task<T> CallAsync<T>(string op, Func<IDatabase, Task<T>> call, CancellationToken cancellationToken)
        => _contact.IsUp ? TryCallAsync(op, call, cancellationToken) : throw new StoreException(StoreFailure.Away, "contact with Redis is lost");

    /// <summary>Why the store is not for this Guard, in one line; null when it is, or when Redis does not answer in time: then it is found
    /// out before the first call.</summary>
    public async Task<string?> RefusalAsync(CancellationToken cancellationToken)
    {
        _isAsked = true;
        try
        {
            await CallAsync("format", static _ => Task.FromResult(true), cancellationToken);
        }
        catch (StoreException)
        {
            // Told of by what is returned, or away.
        }
        finally
        {
            _isAsked = false;
        }

        return _format.Refusal;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        if (_connecting.IsCompletedSuccessfully)
        {
            await (await _connecting).DisposeAsync();
        }

        _stopped.Dispose();
    }

    private async Task<ConnectionMultiplexer> ConnectAsync(ConfigurationOptions settings)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(settings);
        redis.ConnectionRestored += (_, _) =>
        {
            _format.Forget();
            Restored?.Invoke();
        };
        return redis;
    }

    private RedisScript Script(string name)
        => _scripts.GetOrAdd(name, static (name, connection) => RedisScript.Load(name, connection.Keys.Format, connection._clock), this);

    private static async Task<RedisReply> EvaluateAsync(IDatabase db, RedisScript script, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return new(await db.ScriptEvaluateAsync(script.Hash, keys, arguments));
        }
        catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // A new server, or its scripts were flushed; the text makes it known again.
            return new(await db.ScriptEvaluateAsync(script.Text, keys, arguments));
        }
    }

    private async Task<T> TryCallAsync<T>(string op, Func<IDatabase, Task<T>> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var since = _time.GetTimestamp();
        var result = "ok";
        try
        {
            var reply = await RunAsync(call).WaitAsync(_deadline, _time, cancellationToken);
            Volatile.Write(ref _lastSuccess, _time.GetTimestamp());
            Accepted(op);
            return reply;
        }
        catch (TimeoutException e)
        {
            result = "timeout";
            Failed();
            throw new StoreException(StoreFailure.Away, "Redis did not answer in time", e);
        }
        catch (StoreException)
        {
            // The store's format was refused.
            result = "failed";
            throw;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            result = "failed";
            throw KindOf(e) == StoreFailure.Rejected ? Rejected(op, e) : Away(e);
        }
        finally
        {
            _observe(op, result, _time.GetElapsedTime(since));
        }
    }

    private static StoreFailure KindOf(Exception e) => e switch
    {
        RedisServerException => Array.Exists(NotNow, start => e.Message.StartsWith(start, StringComparison.Ordinal)) ? StoreFailure.Away : StoreFailure.Rejected,
        RedisException or TimeoutException or ObjectDisposedException or OperationCanceledException or IOException or SocketException => StoreFailure.Away,

        // The client itself did not like what it was told.
        _ => StoreFailure.Rejected,
    };

    private StoreException Away(Exception e)
    {
        Failed();
        return new(StoreFailure.Away, "Redis could not be called", e);
    }

    private StoreException Rejected(string op, Exception e)
    {
        // Once, until it is accepted again: a loop may ask for the same each second.
        if (_rejected.TryAdd(op, true))
        {
            LogRejected(op, e.Message);
        }

        return new(StoreFailure.Rejected, $"Redis rejected {op}: {e.Message}", e);
    }

    private void Accepted(string op)
    {
        if (!_rejected.IsEmpty && _rejected.TryRemove(op, out _))
        {
            LogAccepted(op);
        }
    }

    private async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> call)
    {
        var db = (await _connecting).GetDatabase();
        if (!_format.HasPassed)
        {
            await CheckFormatAsync(db);
        }

        return await call(db);
    }

    private async Task CheckFormatAsync(IDatabase db)
    {
        var before = _format.Refusal;
        await _format.RunAsync(db);
        if (_format.Refusal is not { } refusal)
        {
            return;
        }

        if (refusal != before && !_isAsked)
        {
            LogRefused(refusal);
        }

        throw new StoreException(StoreFailure.Rejected, refusal);
    }

    private void Failed()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _lastSuccess)) >= _deadline && _contact.Set(isUp: false))
        {
            LogLost();
            _ = RegainAsync();
        }
    }

    private async Task RegainAsync()
    {
        while (!_stopped.IsCancellationRequested)
        {
            var pause = TimeSpan.FromMilliseconds(Random.Shared.Next(250, 500));
            await Task.Delay(pause, _time, _stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                var script = Script("time");
                await TryCallAsync("trial", db => EvaluateAsync(db, script, [Keys.Namespaces], []), _stopped.Token);
                if (_contact.Set(isUp: true))
                {
                    LogRegained();
                    Restored?.Invoke();
                }

                return;
            }
            catch (Exception)
            {
                // Whatever it was: nobody else would ever try again.
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Contact with Redis is lost; calls fail at once until it answers again. Is it down, paused, or not reachable from here?", EventName = "RedisLost")]
    private partial void LogLost();

    [LoggerMessage(2, LogLevel.Information, "Redis answers again", EventName = "RedisRegained")]
    private partial void LogRegained();

    [LoggerMessage(3, LogLevel.Error, "Redis rejects {Op}: {Reason}. Is the key prefix used by something else, or a part of Redis or of a proxy before it switched off? Otherwise this is a bug in Guard", EventName = "RedisRejected")]
    private partial void LogRejected(string op, string reason);

    [LoggerMessage(4, LogLevel.Information, "Redis accepts {Op} again", EventName = "RedisAccepted")]
    private partial void LogAccepted(string op);

    [LoggerMessage(5, LogLevel.Critical, "Nothing is read or written: {Refusal}", EventName = "RedisFormatRefused")]
    private partial void LogRefused(string refusal);
}
