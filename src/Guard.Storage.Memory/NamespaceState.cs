using System.Collections.Concurrent;
using Guard.Model.Ids;

namespace Guard.Storage.Memory;

/// <summary>
/// The indexes of one namespace, under one lock, which is held only for steps that do not depend on how many actors there are (a page of a
/// list excepted). It may be held when the lock of a pool is taken, never the other way round.
/// </summary>
internal sealed class NamespaceState(ConcurrentDictionary<ActorId, ActorEntry> actorsById, ConcurrentDictionary<string, RunnerEntry> runnersById)
{
    private long _sequence;

    public Lock Gate { get; } = new();

    public ActorIndex Actors { get; } = new(actorsById);

    public RunnerIndex Runners { get; } = new(runnersById);

    /// <summary>Names of the pools that have, or had, a runner-config, in order.</summary>
    public SortedSet<string> Pools { get; } = new(StringComparer.Ordinal);

    /// <summary>The next place in the order of creation.</summary>
    public long NextSequence() => ++_sequence;

    /// <summary>Forgets up to <paramref name="most"/> of each kind of what was buried before <paramref name="before"/>; false when there
    /// may be more.</summary>
    public bool Purge(long before, int most)
    {
        var actors = Actors.Purge(before, most);
        var runners = Runners.Purge(before, most);
        return actors < most && runners < most;
    }
}
