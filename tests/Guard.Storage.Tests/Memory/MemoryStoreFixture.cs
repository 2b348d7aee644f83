using System.Collections.Concurrent;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Guard.Storage.Tests.Contracts;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Storage.Tests.Memory;

/// <summary>The embedded store on a clock that tests move.</summary>
internal sealed class MemoryStoreFixture : StoreFixture
{
    private readonly ConcurrentDictionary<PoolId, int> _successes = new();

    public MemoryStoreFixture()
        : this(null)
    {
    }

    /// <param name="time">In place of <see cref="Time"/>.</param>
    public MemoryStoreFixture(TimeProvider? time)
    {
        var feed = new MemoryChangeFeed(NullLogger<MemoryChangeFeed>.Instance);
        feed.Subscribe(Feed);
        feed.Subscribe(new ActorHook(this));
        Store = new(feed, CountSuccess, new LiveOptions(Options).StoreRules, time ?? Time);
    }

    /// <summary>Called on each change of an actor, on the thread that publishes it.</summary>
    public Action<ActorId>? OnActorChanged { get; set; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public MemoryStore Store { get; }

    public override IActorStore Actors => Store;

    public override IRunnerStore Runners => Store;

    public override IPoolStore Pools => Store;

    public override IPoolUpkeepStore Upkeep => Store;

    public override long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public override ValueTask AdvanceAsync(TimeSpan time)
    {
        Time.Advance(time);
        return ValueTask.CompletedTask;
    }

    public override ValueTask SettleAsync() => ValueTask.CompletedTask;

    public override ValueTask<int> SuccessesAsync(PoolId pool) => new(_successes.GetValueOrDefault(pool));

    private IReadOnlyList<PoolHealthSnapshot>? CountSuccess(PoolId pool)
    {
        _successes.AddOrUpdate(pool, 1, static (_, count) => count + 1);
        return null;
    }

    private sealed class ActorHook(MemoryStoreFixture fixture) : IChangeSink
    {
        public void ActorChanged(ActorId id, PoolId pool, long revision) => fixture.OnActorChanged?.Invoke(id);

        public void PoolHealthChanged(PoolHealthSnapshot health)
        {
        }

        public void CapacityChanged(PoolId pool)
        {
        }

        public void PoolConfigChanged(PoolId pool)
        {
        }

        public void Gap()
        {
        }
    }
}
