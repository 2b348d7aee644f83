using Guard.Control.Shapes;
using Guard.Core.Actors;
using Guard.Core.Pools;
using Guard.Core.Storage;

namespace Guard.Control;

/// <summary>What replies show as an actor's <c>error</c>: while its pool is red, the pool's error in place of <c>no_capacity</c>, which
/// is only its consequence. Thread-safe.</summary>
internal sealed class ActorErrorView(IPoolHealthStore health)
{
    /// <summary>One entry per actor, null for those without error. Reads each pool's health at most once.</summary>
    public async ValueTask<ActorErrorShape?[]> OfAsync(IReadOnlyList<ActorRecord> actors, CancellationToken cancellationToken)
    {
        Dictionary<PoolId, PoolError?>? seen = null;
        var shown = new ActorErrorShape?[actors.Count];
        for (var i = 0; i < shown.Length; i++)
        {
            if (actors[i].Error is not { } error)
            {
                continue;
            }

            PoolError? poolError = null;
            if (error.Kind == ActorErrorKind.NoCapacity && !(seen ??= []).TryGetValue(actors[i].Pool, out poolError))
            {
                poolError = await RedErrorAsync(actors[i].Pool, cancellationToken);
                seen.Add(actors[i].Pool, poolError);
            }

            shown[i] = new ActorErrorShape(error, poolError);
        }

        return shown;
    }

    private async ValueTask<PoolError?> RedErrorAsync(PoolId pool, CancellationToken cancellationToken)
    {
        try
        {
            return await health.ReadAsync(pool, cancellationToken) is { IsRed: true } red ? red.ActiveError?.Error : null;
        }
        catch (StoreUnavailableException)
        {
            // Unknown is green: the actor is shown with its own error.
            return null;
        }
    }
}
