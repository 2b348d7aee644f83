using Guard.Core.Transport;
using Guard.Model.Actors;
using Guard.Simulation.Checks;

namespace Guard.Simulation.Plants;

/// <summary>
/// A bug put between the Guards and the store, or into its events, to show that the simulation finds it. None of it is product code.
/// </summary>
/// <param name="Name">For the command line.</param>
/// <param name="Shape">Makes worlds in which the bug can show.</param>
/// <param name="Plant">Puts it into a world, before the first Guard.</param>
/// <param name="Shows">How it is found out.</param>
internal sealed record PlantedBug(string Name, Func<SimParameters, SimParameters> Shape, Action<World> Plant, params ViolationKind[] Shows)
{
    /// <summary>The store accepts the commit, or the event, of a generation that has been replaced, as one of the generation that replaced it.</summary>
    public static readonly PlantedBug OldCommitAccepted = new(
        "old-commit",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.BadStarts | FaultKinds.RunnerDeleted },
        world => world.Store.Actors = new OldCommitAccepted(world.Store.Actors),
        ViolationKind.ReadyWithoutRunner);

    /// <summary>The store grants a start that is under way a second time, in the same generation.</summary>
    public static readonly PlantedBug GenerationNotRaised = new(
        "same-generation", Same, world => world.Store.Actors = new GenerationNotRaised(world.Store), ViolationKind.GrantedTwice);

    /// <summary>A pushed health is taken over whatever its version.</summary>
    public static readonly PlantedBug VersionNotChecked = new(
        "no-version-check",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.PoolErrors | FaultKinds.EventsLate },
        world => world.HealthOf = (link, store) => new VersionNotChecked(link, store),
        ViolationKind.HealthWentBack);

    /// <summary>Events get lost, and nobody looks again by himself.</summary>
    public static readonly PlantedBug NoRepair = new("no-repair", WithoutRepair, _ => { }, ViolationKind.LostWake);

    /// <summary>A start that failed gives its slot back twice.</summary>
    public static readonly PlantedBug SlotGivenTwice = new(
        "slot-twice",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.BadStarts },
        world => world.Store.Actors = new SlotGivenTwice(world.Store),
        ViolationKind.Slots);

    /// <summary>A second Guard that asks within the interval gets a probe as well.</summary>
    public static readonly PlantedBug ProbeGrantedTwice = new(
        "probe-twice",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.PoolErrors },
        world => world.Store.Health = new ProbeGrantedTwice(world.Store.Health),
        ViolationKind.ProbeTooEarly);

    /// <summary>A start does not look whether the runner it takes drains by version.</summary>
    public static readonly PlantedBug DrainNotChecked = new(
        "start-on-draining", WithVersions, world => world.Store.Actors = new DrainNotChecked(world.Store, world.Parameters), ViolationKind.StartedOnDraining);

    /// <summary>An actor that crashed and is to be restarted is not.</summary>
    public static readonly PlantedBug CrashedNotRestarted = new(
        "crash-not-restarted",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.ActorsEnd },
        world => world.Store.Upkeep = new RestartForgotten(world.Store, ActorState.Crashed),
        ViolationKind.NotRestarted);

    /// <summary>An actor that is to be restarted after it was stopped in a drain is not.</summary>
    public static readonly PlantedBug DrainedNotRestarted = new(
        "drain-not-restarted",
        WithVersions,
        world => world.Store.Upkeep = new RestartForgotten(world.Store, ActorState.Sleeping),
        ViolationKind.NotRestarted);

    /// <summary>A try that broke off after it was sent is taken for one that never reached its runner.</summary>
    public static readonly PlantedBug BrokenTakenForNotReached = new(
        "sent-again",
        parameters => parameters with { Faults = parameters.Faults | FaultKinds.RunnerCrash },
        world => world.OutcomeOf = static outcome
            => outcome.Status == ForwardStatus.Failed ? new(ForwardStatus.NotReached, LastError: "broken") : outcome,
        ViolationKind.RanTwice);

    public static readonly PlantedBug[] All =
    [
        OldCommitAccepted, GenerationNotRaised, VersionNotChecked, NoRepair, SlotGivenTwice, ProbeGrantedTwice, DrainNotChecked, CrashedNotRestarted,
        DrainedNotRestarted, BrokenTakenForNotReached,
    ];

    private static SimParameters Same(SimParameters parameters) => parameters;

    private static SimParameters WithVersions(SimParameters parameters) => parameters with
    {
        Faults = parameters.Faults | FaultKinds.VersionsChange,
        Pool = parameters.Pool with { DrainOnVersionUpgrade = true },
    };

    private static SimParameters WithoutRepair(SimParameters parameters)
    {
        // Few requests: each that comes makes the wait it joins look again.
        parameters.Options.Readiness.RepairInterval = TimeSpan.FromHours(1);
        parameters.Options.Readiness.Timeout = TimeSpan.FromSeconds(8);
        return parameters with
        {
            Faults = parameters.Faults | FaultKinds.EventsLost,
            EventLoss = 1,
            Clients = 2,
            Pace = TimeSpan.FromSeconds(6),
        };
    }
}
