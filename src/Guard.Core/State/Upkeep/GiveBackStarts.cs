using Guard.Core.State.Actors;
using Guard.Model.Actors;
using Guard.Model.Stores;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Gives back the slots of starts that nobody drives any more: their starter is dead, or it is this Guard and has no wake for them (the
/// store granted a start, but its answer was lost). Holds find such starts sooner by themselves; this is for those nobody waits for.
/// </summary>
internal sealed partial class GiveBackStarts(WakeServices services, ActorStarter starter, ILogger<GiveBackStarts> logger) : IPoolJob
{
    /// <summary>Between two looks at starts that take longer than a Guard's liveness.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(3);

    private static readonly ActorError Abandoned = new(ActorErrorKind.InternalError);

    /// <inheritdoc/>
    public async ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        if (look.Sweep.StartingFor is not { } oldest)
        {
            return TimeSpan.MaxValue;
        }

        // A starter that began a start later than this has not had the time to be dead.
        var left = IGuardLiveness.Ttl - oldest;
        if (left >= TimeSpan.Zero)
        {
            return left > look.Period ? left : look.Period;
        }

        foreach (var actor in await services.Actors.ListStartingAsync(look.Pool, IGuardLiveness.Ttl, cancellationToken))
        {
            if (await IsAbandonedAsync(actor))
            {
                await GiveBackAsync(actor, cancellationToken);
            }
        }

        return Again;
    }

    private async ValueTask<bool> IsAbandonedAsync(ActorRecord actor)
        => actor.Starter == services.Identity.Id ? !starter.IsDriving(actor.Id) : await services.Liveness.IsDeadAsync(actor.Starter!);

    private async Task GiveBackAsync(ActorRecord actor, CancellationToken cancellationToken)
    {
        var result = await services.Actors.CommitStartFailedAsync(
            actor.Id, actor.Pool, actor.Generation, Abandoned, final: false, cancellationToken);
        if (result == TransitionResult.Ok)
        {
            LogGivenBack(logger, actor.Id.ToString(), actor.Generation, actor.Runner!.RunnerId, actor.Starter!);
            _ = services.Runners.StopAsync(actor.Runner, actor.Id, actor.Generation, "stale");
        }
    }

    [LoggerMessage(EventId = 1, EventName = "StartGivenBack", Level = LogLevel.Warning,
        Message = "The start of actor {ActorId} generation {Generation} on runner {RunnerId} was abandoned by Guard {Starter}, which has died or lost the store's answer; its slot is free again and the runner is told to stop it")]
    private static partial void LogGivenBack(ILogger logger, string actorId, long generation, string runnerId, string starter);
}
