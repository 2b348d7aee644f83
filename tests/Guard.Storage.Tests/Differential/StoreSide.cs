using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Guard.Storage.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace Guard.Storage.Tests.Differential;

/// <summary>A store that runs histories beside others: empty at the beginning of each, on a clock that stands until it is moved.</summary>
internal abstract class StoreSide(string name) : IAsyncDisposable
{
    public string Name { get; } = name;

    public abstract IActorStore Actors { get; }

    public abstract IRunnerStore Runners { get; }

    public abstract IPoolStore Pools { get; }

    public abstract IPoolUpkeepStore Upkeep { get; }

    public abstract IPoolHealthStore Health { get; }

    public IActorImportStore Import => (IActorImportStore)Actors;

    public Canonical Canonical { get; protected set; } = new();

    public SideFeed Feed { get; protected set; } = new();

    /// <summary>Ids of the probes granted so far, in order: each store draws its own.</summary>
    public List<long> Probes { get; } = [];

    /// <summary>Forgets everything.</summary>
    /// <param name="options">Of the history.</param>
    /// <param name="now">Where the clock stands, Unix ms.</param>
    public abstract ValueTask BeginAsync(GuardOptions options, long now);

    public abstract ValueTask MoveClockAsync(long now);

    /// <summary>Completes when the feed has told everything so far.</summary>
    public virtual ValueTask SettleAsync() => ValueTask.CompletedTask;

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Draws the same number for every side while a step runs: jitter is compared, not tolerated.</summary>
internal sealed class StepDraw : Random
{
    public int Value { get; set; }

    public override int Next(int maxValue) => Value % maxValue;
}

/// <param name="name">For messages.</param>
/// <param name="draw">Of the step.</param>
/// <param name="options">What it makes of the options of a history; null for themselves.</param>
internal sealed class MemorySide(string name, StepDraw draw, Func<GuardOptions, GuardOptions>? options = null) : StoreSide(name)
{
    private FakeTimeProvider _time = new();
    private MemoryStore _store = null!;
    private MemoryPoolHealthStore _health = null!;

    public override IActorStore Actors => _store;

    public override IRunnerStore Runners => _store;

    public override IPoolStore Pools => _store;

    public override IPoolUpkeepStore Upkeep => _store;

    public override IPoolHealthStore Health => _health;

    public override ValueTask BeginAsync(GuardOptions history, long now)
    {
        var live = new LiveOptions(options is null ? history : options(history));
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        (Feed, Canonical, _time) = (new(), new(), new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(now)));
        feed.Subscribe(Feed);
        Probes.Clear();
        _health = new(_time, live.StoreRules, feed.PublishPoolHealth);
        _store = new(feed, _health, live.StoreRules, _time, draw);
        return ValueTask.CompletedTask;
    }

    public override ValueTask MoveClockAsync(long now)
    {
        _time.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(now));
        return ValueTask.CompletedTask;
    }
}

/// <summary>A store in Redis servers that are its own.</summary>
internal sealed class RedisSide : StoreSide
{
    private const string Prefix = "t";

    /// <summary>Reads the time from a key in the slot of the script's own key.</summary>
    private const string Clock = """
        local function now()
          local tag = string.match(KEYS[1], '{.-}') or ('{' .. KEYS[1] .. '}')
          return tonumber(redis.call('GET', string.match(KEYS[1], '^(.-):') .. ':clock:' .. tag))
        end

        """;

    private const string Mark = "redis.call('PUBLISH', ARGV[1], ARGV[3]) redis.call('PUBLISH', ARGV[2], ARGV[4])";

    private readonly LiveOptions _options = new(new GuardOptions());
    private readonly RedisConnection _connection;
    private readonly RedisChangeFeed _feed;
    private readonly CancellationTokenSource _stop = new();
    private Task _listen = Task.CompletedTask;
    private readonly IReadOnlyList<PoolId> _pools;
    private readonly int _servers;
    private int _marks;

    /// <param name="name">For messages.</param>
    /// <param name="addresses">Of its servers.</param>
    /// <param name="pools">Every pool a history may name.</param>
    /// <param name="draw">Of the step.</param>
    public RedisSide(string name, IReadOnlyList<string> addresses, IReadOnlyList<PoolId> pools, StepDraw draw)
        : base(name)
    {
        _pools = pools;
        _servers = addresses.Count;
        Assert.True(RedisSettings.TryParse(string.Join(',', addresses), out var settings));
        settings.AllowAdmin = true;
        _connection = new(
            settings, new RedisKeys(Prefix), TimeSpan.FromSeconds(30), new StoreContact(), static (_, _, _) => { }, TimeProvider.System,
            NullLogger<RedisConnection>.Instance)
        { Clock = Clock };
        var all = new RedisPools(_connection);
        var health = new RedisPoolHealthStore(_connection, _options.StoreRules);
        var runners = new RedisRunnerStore(_connection, all, _options.StoreRules, draw);
        (Actors, Runners, Pools, Upkeep, Health) = (
            new RedisActorStore(_connection, all, health, _options.StoreRules, draw), runners, new RedisPoolStore(_connection, all), runners, health);
        _feed = new(_connection, true, TimeProvider.System, NullLogger<RedisChangeFeed>.Instance);
        _feed.Subscribe(Feed);
    }

    public override IActorStore Actors { get; }

    public override IRunnerStore Runners { get; }

    public override IPoolStore Pools { get; }

    public override IPoolUpkeepStore Upkeep { get; }

    public override IPoolHealthStore Health { get; }

    public async Task StartAsync()
    {
        _listen = new GuardedLoop("change_feed", new GuardMetrics(_options), TimeProvider.System, NullLogger.Instance)
            .RunAsync(TimeSpan.Zero, async stopping => await _feed.ListenAsync(stopping), _stop.Token);
        await Feed.Listening.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public override async ValueTask BeginAsync(GuardOptions options, long now)
    {
        _options.Publish(options);
        await CallAsync(async db =>
        {
            foreach (var endpoint in db.Multiplexer.GetEndPoints())
            {
                await db.Multiplexer.GetServer(endpoint).ExecuteAsync("FLUSHALL");
            }

            return true;
        });
        await MoveClockAsync(now);
        await SettleAsync();
        Feed.Clear();
        Canonical = new();
        Probes.Clear();
    }

    public override async ValueTask MoveClockAsync(long now)
    {
        var tags = _pools.Select(p => p.ToString()).Append(_connection.Keys.Namespaces.ToString());
        await CallAsync(db => Task.WhenAll(tags.Select(tag => db.StringSetAsync($"{Prefix}:clock:{{{tag}}}", now))));
    }

    public override async ValueTask SettleAsync()
    {
        // Each server tells in order what it was told to publish; a message may go by any of them.
        var mark = new PoolId("mark", FormattableString.Invariant($"m{++_marks}"));
        RedisValue[] arguments = [_connection.Keys.Events.ToString(), _connection.Keys.Health.ToString(), $"p|{mark}", $"{mark}|1|1|0|0|0|0|"];
        IReadOnlyList<PoolId> through = _servers == 1 ? [_pools[0]] : _pools;
        var settled = Feed.Await(mark, (2 * through.Count) + 1);
        await CallAsync(db => Task.WhenAll(
            [.. through.Select(p => (Task)db.ScriptEvaluateAsync(Mark, [_connection.Keys.Pool(p)], arguments)), db.PublishAsync(_connection.Keys.Events, $"p|{mark}")])
            .ContinueWith(static done => done.IsCompletedSuccessfully, TaskScheduler.Default));
        await settled.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listen;
        _stop.Dispose();
        await _connection.DisposeAsync();
        await base.DisposeAsync();
    }

    private Task<T> CallAsync<T>(Func<IDatabase, Task<T>> call) => _connection.CallAsync("test", call, CancellationToken.None);
}
