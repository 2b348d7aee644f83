using System.Collections.Concurrent;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>Keeps what the feed told. Thread-safe.</summary>
internal sealed class FeedRecorder : IChangeSink
{
    private readonly ConcurrentQueue<(ActorId Id, PoolId Pool, long Revision)> _actors = new();
    private readonly ConcurrentQueue<PoolId> _capacity = new();
    private readonly ConcurrentQueue<PoolId> _wanted = new();
    private readonly ConcurrentQueue<(PoolId Pool, PoolErrorKind? Failure, TimeSpan Wait)> _connects = new();
    private readonly ConcurrentQueue<PoolId> _configs = new();

    public IReadOnlyCollection<(ActorId Id, PoolId Pool, long Revision)> Actors => _actors;

    public int Capacity(PoolId pool) => _capacity.Count(pool.Equals);

    public IReadOnlyCollection<(PoolId Pool, PoolErrorKind? Failure, TimeSpan Wait)> Connects => _connects;

    public int Wanted(PoolId pool) => _wanted.Count(pool.Equals);

    public int Configs(PoolId pool) => _configs.Count(pool.Equals);

    public bool Saw(ActorId id, long revision) => _actors.Any(a => a.Id == id && a.Revision == revision);

    public void Clear()
    {
        _actors.Clear();
        _capacity.Clear();
        _wanted.Clear();
        _connects.Clear();
        _configs.Clear();
    }

    public void ActorChanged(ActorId id, PoolId pool, long revision) => _actors.Enqueue((id, pool, revision));

    public void PoolHealthChanged(PoolHealthSnapshot health)
    {
    }

    public void CapacityChanged(PoolId pool) => _capacity.Enqueue(pool);

    public void CapacityWanted(PoolId pool) => _wanted.Enqueue(pool);

    public void ConnectEnded(PoolId pool, PoolErrorKind? failure, TimeSpan wait) => _connects.Enqueue((pool, failure, wait));

    public void PoolConfigChanged(PoolId pool) => _configs.Enqueue(pool);

    public void Gap()
    {
    }
}
