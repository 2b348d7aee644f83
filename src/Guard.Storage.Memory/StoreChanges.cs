using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Storage.Memory;

/// <summary>What one call changed in a pool: gathered under its lock, told after it is released. Used by one thread.</summary>
internal sealed class StoreChanges(PoolState pool)
{
    private readonly List<(ActorEntry Entry, ActorRecord Record)> _actors = [];

    public PoolState Pool { get; } = pool;

    /// <summary>The actors that changed, each with the record it changed to, in order.</summary>
    public IReadOnlyList<(ActorEntry Entry, ActorRecord Record)> Actors => _actors;

    /// <summary>A slot may have become free.</summary>
    public bool Capacity { get; set; }

    /// <summary>A slot was asked for and there is none, or a runner drains by request.</summary>
    public bool CapacityWanted { get; set; }

    /// <summary>What others must hear of the health of pools; null when nothing changed.</summary>
    public IReadOnlyList<PoolHealthSnapshot>? Health { get; set; }

    public void Add(ActorEntry entry, ActorRecord record) => _actors.Add((entry, record));
}
