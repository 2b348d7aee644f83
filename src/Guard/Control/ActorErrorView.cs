using Guard.Control.Shapes;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>
/// What replies show of failures: an actor's own <c>error</c> as stored, or, in place of <c>no_capacity</c>, which is only its consequence,
/// the error of its pool while that is red. However long a list is, its pools are read in one round trip. Thread-safe.
/// </summary>
internal sealed class ActorErrorView(IPoolHealthStore health)
{
    /// <summary>One entry per actor, null for those without error.</summary>
    public async ValueTask<ActorErrorShape?[]> OfAsync(IReadOnlyList<ActorRecord> actors, CancellationToken cancellationToken)
    {
        var waiting = actors.Where(a => a.Error is { Kind: ActorErrorKind.NoCapacity }).Select(a => a.Pool).Distinct().ToArray();
        var red = await RedErrorsAsync(waiting, cancellationToken);
        return actors.Select(a => a.Error is not { } error ? null
            : new ActorErrorShape(error, error.Kind == ActorErrorKind.NoCapacity ? red.GetValueOrDefault(a.Pool) : null)).ToArray();
    }

    /// <summary>The errors of those pools that are red; without the others, and empty while the store cannot say: unknown is green.</summary>
    public async ValueTask<IReadOnlyDictionary<PoolId, PoolError>> RedErrorsAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
    {
        var red = new Dictionary<PoolId, PoolError>();
        if (pools.Count == 0)
        {
            return red;
        }

        try
        {
            foreach (var snapshot in await health.ReadManyAsync(pools, cancellationToken))
            {
                if (snapshot is { IsRed: true, ActiveError: { } active })
                {
                    red[snapshot.Pool] = active.Error;
                }
            }
        }
        catch (StoreException)
        {
        }

        return red;
    }
}
