using Guard.Core.Request.Routing;
using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Request.Delivery;

/// <summary>
/// What a 421 means. Mostly the route was old. Where the store still says that this very generation is ready at that runner, the runner has
/// lost the actor (it restarted and registered again): the slot is given back, so that the actor can be woken anew, and the runner is
/// told to stop the generation in case it has it after all. Thread-safe.
/// </summary>
internal sealed partial class DisownedActors(IActorStore actors, RouteCache routes, RunnerTransports runners, ILogger<DisownedActors> logger)
{
    /// <summary>The actor's route as it is now; null when it does not exist any more.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public async Task<ActorRoute?> SettleAsync(ActorRoute refused, CancellationToken cancellationToken)
    {
        routes.Drop(refused);
        var gaps = routes.Gaps;
        var actor = await actors.GetAsync(refused.Id, refused.Pool, cancellationToken);
        if (actor is { State: ActorState.Ready } && actor.Generation == refused.Generation && actor.Runner?.RunnerId == refused.Runner?.RunnerId)
        {
            if (await actors.CommitDisownedAsync(actor.Id, actor.Pool, actor.Generation, cancellationToken) == TransitionResult.Ok)
            {
                LogDisowned(logger, refused.IdText, actor.Generation, actor.Runner!.RunnerId);
                _ = runners.StopAsync(actor.Runner!, actor.Id, actor.Generation, "stale");
            }

            gaps = routes.Gaps;
            actor = await actors.GetAsync(refused.Id, refused.Pool, cancellationToken);
        }

        if (actor is null || actor.State == ActorState.Destroyed)
        {
            return null;
        }

        var route = ActorRoute.From(actor);
        routes.Put(route, gaps);
        return route;
    }

    [LoggerMessage(EventId = 1, EventName = "ActorDisowned", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} answered 421 for actor {ActorId} generation {Generation}, which was ready there; it is woken anew. Did the runner restart under the same key?")]
    private static partial void LogDisowned(ILogger logger, string actorId, long generation, string runnerId);
}
