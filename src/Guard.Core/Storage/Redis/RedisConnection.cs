using System.Collections.Concurrent;
using Guard.Core.Diagnostics;
using StackExchange.Redis;

namespace Guard.Core.Storage.Redis;

/// <summary>
/// The one connection of this Guard to Redis, and the one way to call it: every call has its own deadline, is measured, and fails as
/// <see cref="StoreUnavailableException"/> when Redis does not answer in time. Thread-safe.
/// </summary>
internal sealed class RedisConnection(IConnectionMultiplexer redis, RedisKeys keys, GuardMetrics metrics, TimeProvider time, string? clock = null)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, RedisScript> _scripts = new();

    public RedisKeys Keys => keys;

    /// <summary>Runs a script. Its keys must be of one slot.</summary>
    public Task<RedisResult> EvaluateAsync(string script, RedisKey[] scriptKeys, RedisValue[] arguments, CancellationToken cancellationToken)
    {
        var loaded = _scripts.GetOrAdd(script, static (name, clock) => RedisScript.Load(name, clock), clock);
        return CallAsync(script, db => db.ScriptEvaluateAsync(loaded.Text, scriptKeys, arguments), cancellationToken);
    }

    /// <summary>The store's time, Unix ms.</summary>
    public async Task<long> NowAsync(CancellationToken cancellationToken)
        => (long)await EvaluateAsync("time", [keys.Namespaces], [], cancellationToken);

    /// <summary>Runs one command, or several that may be pipelined.</summary>
    /// <param name="op">The <c>op</c> of metrics.</param>
    /// <param name="call">Starts it.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async Task<T> CallAsync<T>(string op, Func<IDatabase, Task<T>> call, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        var result = "ok";
        try
        {
            return await call(redis.GetDatabase()).WaitAsync(Deadline, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            result = "timeout";
            throw new StoreUnavailableException("Redis did not answer in time", e);
        }
        catch (RedisException e)
        {
            result = "failed";
            throw new StoreUnavailableException("Redis could not be called", e);
        }
        finally
        {
            metrics.StoreOp(op, result, time.GetElapsedTime(since));
        }
    }
}
