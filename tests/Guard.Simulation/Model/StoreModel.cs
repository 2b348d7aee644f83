using Guard.Core.Options;
using Guard.Model.Stores;
using Guard.Simulation.Engine;
using Guard.Storage.Memory;

namespace Guard.Simulation.Model;

/// <summary>
/// The store all Guards share: the model of the scripts. Each call is carried out at one moment, in one step of the store's process; the
/// contract suite holds it to be the same as the scripts.
/// </summary>
internal sealed class StoreModel
{
    public StoreModel(World world)
    {
        Process = world.Scheduler.NewProcess("store");
        var live = new LiveOptions(world.Parameters.Options);
        Feed = new MemoryChangeFeed(new SimLog<MemoryChangeFeed>(world, Process));
        Health = HealthModel = new HealthModel(Process.Time, live, Feed, new Random(world.Parameters.Seed + 1));
        Truth = new MemoryStore(Feed, HealthModel.CountSuccess, live.StoreRules, Process.Time, new Random(world.Parameters.Seed + 2));
        Actors = Truth;
        Runners = Truth;
        Pools = Truth;
        Upkeep = Truth;
        Liveness = new MemoryGuardLiveness(Process.Time);
    }

    public SimProcess Process { get; }

    public MemoryChangeFeed Feed { get; }

    public HealthModel HealthModel { get; }

    /// <summary>For the checks, past whatever stands in between. What reads the clock must be asked in the store's process.</summary>
    public MemoryStore Truth { get; }

    /// <summary>As the Guards meet it: a planted bug stands in between.</summary>
    public IActorStore Actors { get; set; }

    public IPoolHealthStore Health { get; set; }

    public IRunnerStore Runners { get; }

    public IPoolStore Pools { get; }

    public IPoolUpkeepStore Upkeep { get; set; }

    public IGuardLiveness Liveness { get; }

    /// <summary>It is not there: connections are refused, and what was under way is lost.</summary>
    public bool IsDown { get; set; }
}
