namespace Guard.Core.Pools;

/// <summary>Hears the health of a pool it watches. Implemented by what waits for actors of the pool.</summary>
internal interface IPoolHealthObserver
{
    /// <summary>
    /// Told of every read and of every pushed change, in order and one at a time per pool; the same health may be told again. A read that
    /// failed is told as <see cref="PoolHealthSnapshot.Unknown"/>: green. Called outside locks on the thread that learned of it: return at
    /// once, do not block, do not throw. May be called once more while the watch is being ended.
    /// </summary>
    void HealthObserved(PoolHealthSnapshot health);
}
