using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Logging;

namespace Guard.Storage.Tests.Memory;

public sealed class MemoryChangeFeedTests
{
    private static readonly PoolId Pool = new("default", "lobbies");

    [Fact]
    public void Publish_EachKind_ReachesTheSinkThatHandlesIt()
    {
        var log = new List<string>();
        var feed = new MemoryChangeFeed(new ListLogger(log));
        feed.Subscribe(new Sink("a", log));
        var id = ActorId.New(1);

        feed.PublishActor(id, Pool, 7);
        feed.PublishPoolHealth(PoolHealthSnapshot.Unknown(Pool));
        feed.PublishCapacity(Pool);
        feed.PublishPoolConfig(Pool);

        Assert.Equal([$"a actor {id} {Pool} 7", $"a health {Pool}", $"a capacity {Pool}", $"a config {Pool}"], log);
    }

    [Fact]
    public void Publish_SeveralSinks_InSubscriptionOrder()
    {
        var log = new List<string>();
        var feed = new MemoryChangeFeed(new ListLogger(log));
        feed.Subscribe(new Sink("a", log));
        feed.Subscribe(new Sink("b", log));
        feed.Subscribe(new Sink("c", log));

        feed.PublishCapacity(Pool);

        Assert.Equal(["a capacity default/lobbies", "b capacity default/lobbies", "c capacity default/lobbies"], log);
    }

    [Fact]
    public void Publish_SinkThrows_LoggedAndTheOthersHear()
    {
        var log = new List<string>();
        var feed = new MemoryChangeFeed(new ListLogger(log));
        feed.Subscribe(new Sink("a", log) { Throws = true });
        feed.Subscribe(new Sink("b", log));

        feed.PublishPoolConfig(Pool);

        Assert.Equal(3, log.Count);
        Assert.Equal("a config default/lobbies", log[0]);
        Assert.StartsWith("Error ChangeSinkFailed", log[1], StringComparison.Ordinal);
        Assert.Equal("b config default/lobbies", log[2]);
    }

    private sealed class Sink(string name, List<string> log) : IChangeSink
    {
        public bool Throws { get; init; }

        public void ActorChanged(ActorId id, PoolId pool, long revision) => Heard($"actor {id} {pool} {revision}");

        public void PoolHealthChanged(PoolHealthSnapshot health) => Heard($"health {health.Pool}");

        public void CapacityChanged(PoolId pool) => Heard($"capacity {pool}");

        public void PoolConfigChanged(PoolId pool) => Heard($"config {pool}");

        public void Gap() => Heard("gap");

        private void Heard(string what)
        {
            log.Add($"{name} {what}");
            if (Throws)
            {
                throw new InvalidOperationException("scripted");
            }
        }
    }

    private sealed class ListLogger(List<string> log) : ILogger<MemoryChangeFeed>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Add($"{logLevel} {eventId.Name} {formatter(state, exception)}");
    }
}
