using System.Collections.Concurrent;
using System.Globalization;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Redis;
using Guard.Storage.Tests.Contracts;
using Guard.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Storage.Tests.Redis;

/// <summary>A store in a real Redis, under a key prefix of its own, whose clock is the server's plus an offset that tests move.</summary>
internal sealed class RedisStoreFixture : StoreFixture
{
    private readonly RedisChangeFeed _feed;
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<string, bool> _settled = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listen;
    private long _offset;
    private int _gaps;

    /// <param name="server">Where.</param>
    /// <param name="prefix">Two fixtures of one prefix are two Guards of one store.</param>
    /// <param name="deadline">Of each call; generous by default, for a busy machine is no outage.</param>
    /// <param name="format">What the store is to be.</param>
    public RedisStoreFixture(RedisServer server, string? prefix = null, TimeSpan? deadline = null, int format = FormatCheck.Oldest)
    {
        Live = new LiveOptions(Options);
        Metrics = new GuardMetrics(Live);
        Assert.True(RedisSettings.TryParse(server.Address, out var settings));
        Connection = new RedisConnection(
            settings, new RedisKeys(prefix ?? $"t{Guid.NewGuid():N}", format), deadline ?? TimeSpan.FromSeconds(5), Contact, Observe, TimeProvider.System,
            NullLogger<RedisConnection>.Instance);
        AllPools = new RedisPools(Connection);
        PoolHealth = new RedisPoolHealthStore(Connection, Live.StoreRules);
        Actors = new RedisActorStore(Connection, AllPools, Live.StoreRules);
        Runners = new RedisRunnerStore(Connection, AllPools, Live.StoreRules);
        Pools = new RedisPoolStore(Connection, AllPools);
        _feed = new RedisChangeFeed(Connection, Live.Current.FailFast.Push, TimeProvider.System, NullLogger<RedisChangeFeed>.Instance);
        _feed.Subscribe(Feed);
        _feed.Subscribe(new Listener(this));
        _listen = new GuardedLoop("change_feed", Metrics, TimeProvider.System, NullLogger.Instance)
            .RunAsync(TimeSpan.Zero, async stopping => await _feed.ListenAsync(stopping), _stop.Token);
    }

    public LiveOptions Live { get; }

    public GuardMetrics Metrics { get; }

    public StoreContact Contact { get; } = new();

    /// <summary>The op of every round trip so far.</summary>
    public ConcurrentQueue<string> Trips { get; } = new();

    public RedisConnection Connection { get; }

    public RedisPools AllPools { get; }

    public RedisPoolHealthStore PoolHealth { get; }

    public override IActorStore Actors { get; }

    public override IRunnerStore Runners { get; }

    public override IPoolStore Pools { get; }

    public override IPoolUpkeepStore Upkeep => (IPoolUpkeepStore)Runners;

    public override long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + _offset;

    /// <summary>Completes when the feed hears what is published.</summary>
    public Task Listening => _listening.Task;

    /// <summary>Gaps told so far; the first when it began to hear.</summary>
    public int Gaps => Volatile.Read(ref _gaps);

    public Action<PoolHealthSnapshot>? OnHealth { get; set; }

    public void Subscribe(IChangeSink sink) => _feed.Subscribe(sink);

    public override ValueTask AdvanceAsync(TimeSpan time)
    {
        _offset += (long)time.TotalMilliseconds;
        Connection.Clock = string.Create(CultureInfo.InvariantCulture,
            $"local function now()\n  local t = redis.call('TIME')\n  return t[1] * 1000 + math.floor(t[2] / 1000) + {_offset}\nend\n");
        return ValueTask.CompletedTask;
    }

    public override async ValueTask SettleAsync()
    {
        // What is published on a channel is heard in order: when this comes back, everything before it has come.
        var word = $"settle/{Guid.NewGuid():N}";
        await Listening.WaitAsync(TimeSpan.FromSeconds(10));
        await Connection.CallAsync("settle", db => db.PublishAsync(Connection.Keys.Events, $"p|{word}"), CancellationToken.None);
        while (!_settled.ContainsKey(word))
        {
            await Task.Yield();
        }
    }

    /// <remarks>Each report raises the version of the health, and those tests that ask report nothing else.</remarks>
    public override async ValueTask<int> SuccessesAsync(PoolId pool) => (int)(await PoolHealth.ReadAsync(pool, CancellationToken.None)).Seq;

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listen;
        _stop.Dispose();
        await Connection.DisposeAsync();
        await base.DisposeAsync();
    }

    private void Observe(string op, string result, TimeSpan took)
    {
        Trips.Enqueue(op);
        Metrics.StoreOp(op, result, took);
    }

    private sealed class Listener(RedisStoreFixture fixture) : IChangeSink
    {
        public void PoolConfigChanged(PoolId pool) => fixture._settled[pool.ToString()] = true;

        public void PoolHealthChanged(PoolHealthSnapshot health) => fixture.OnHealth?.Invoke(health);

        public void Gap()
        {
            Interlocked.Increment(ref fixture._gaps);
            fixture._listening.TrySetResult();
        }
    }
}
