using Guard.Core.Async;
using Guard.Core.State.Actors;
using Guard.Model.Actors;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Upkeep;

/// <summary>
/// Gives back the slots of starts that nobody drives any more: their starter is dead, or it is this Guard and has no wake for them (the
/// store granted a start, but its answer was lost). Holds find such starts sooner by themselves; this is for those nobody waits for.
/// Every Guard runs one.
/// </summary>
internal sealed partial class StartSweeper(WakeServices services, ActorStarter starter, ILogger<StartSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan MeanPeriod = TimeSpan.FromSeconds(3);
    private static readonly ActorError Abandoned = new(ActorErrorKind.InternalError);

    private readonly GuardedLoop _loop = new("start_sweeper", services.Metrics, services.Time, logger);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Looks until stopped, where it is called: the host starts it on a thread of its own, a simulation on its own scheduler.</summary>
    public Task RunAsync(CancellationToken stoppingToken) => _loop.RunAsync(TimeSpan.Zero, LookAsync, stoppingToken);

    private async ValueTask LookAsync(CancellationToken cancellationToken)
    {
        // Half to one and a half: Guards that were started together do not look together.
        await Task.Delay(MeanPeriod * (0.5 + services.Random.NextDouble()), services.Time, cancellationToken);

        // A starter that began a start later than this has not had the time to be dead.
        foreach (var actor in await services.Actors.ListStartingAsync(IGuardLiveness.Ttl, cancellationToken))
        {
            if (await IsAbandonedAsync(actor))
            {
                await GiveBackAsync(actor, cancellationToken);
            }
        }
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
