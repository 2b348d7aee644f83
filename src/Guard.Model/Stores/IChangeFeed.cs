using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Model.Stores;

/// <summary>Tells the request flow what changed in the store, by this Guard or another. Events are hints: they may be late, repeated,
/// out of order or lost; the store is the truth.</summary>
internal interface IChangeFeed
{
    /// <summary>Adds a sink for the life of the process. Sinks are called in the order they subscribed.</summary>
    void Subscribe(IChangeSink sink);
}

/// <summary>Hears changes. Called on the feed's thread, never under a lock of the store: return at once, do not block, do not throw.
/// What a sink does not care for it leaves out.</summary>
internal interface IChangeSink
{
    void ActorChanged(ActorId id, PoolId pool, long revision)
    {
    }

    void PoolHealthChanged(PoolHealthSnapshot health)
    {
    }

    /// <summary>The pool may have a free slot it had not before.</summary>
    void CapacityChanged(PoolId pool)
    {
    }

    /// <summary>There is work for the pool's keeper: a start was asked for and no runner has a slot, or a runner drains by request.</summary>
    void CapacityWanted(PoolId pool)
    {
    }

    /// <summary>A connect of a serverless pool failed, or, for the first time after one that did, succeeded.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="failure">Null for a success.</param>
    /// <param name="wait">Until the next is tried.</param>
    void ConnectEnded(PoolId pool, PoolErrorKind? failure, TimeSpan wait)
    {
    }

    void PoolConfigChanged(PoolId pool)
    {
    }

    /// <summary>Events may have been lost: read everything of interest again.</summary>
    void Gap();
}
