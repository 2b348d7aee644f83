using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Guard.Simulation.Checks;
using Guard.Simulation.Engine;
using Guard.Simulation.Model;
using Guard.Simulation.Processes;

namespace Guard.Simulation;

/// <summary>Everything of one run: the clock and its processes, the store, the Guards, the runners, the clients, and what watches over them.</summary>
internal sealed class World
{
    public static readonly PoolId Pool = new("ns", "pool");

    private readonly Random _random;
    private int _lastActor;
    private int _lastRunner;

    public World(SimParameters parameters, bool isRecorded)
    {
        Parameters = parameters;
        History = new History(isRecorded);
        Scheduler = new Scheduler(parameters.Seed, History);
        _random = new Random(parameters.Seed + 3);
        Checks = new SimChecks(this);
        Scheduler.Faulted = (process, e) => Checks.Fail(ViolationKind.Bug, $"{process} threw {e}");
        Metrics = new GuardMetrics(new LiveOptions(parameters.Options));
        Store = new StoreModel(this);
        Checks.Attach();
    }

    public SimParameters Parameters { get; }

    public History History { get; }

    public Scheduler Scheduler { get; }

    public SimChecks Checks { get; }

    public StoreModel Store { get; }

    /// <summary>Of all Guards together: nobody reads them, and to make them costs as much as a small run.</summary>
    public GuardMetrics Metrics { get; }

    public List<SimGuard> Guards { get; } = [];

    public List<SimRunner> Runners { get; } = [];

    /// <summary>Where a planted bug stands between a Guard's tracker and its health store; null for none.</summary>
    public Func<StoreLink, IPoolHealthStore, IPoolHealthStore>? HealthOf { get; set; }

    /// <summary>What a planted bug makes of a try's outcome; null for none.</summary>
    public Func<ForwardOutcome, ForwardOutcome>? OutcomeOf { get; set; }

    /// <summary>Nothing goes wrong any more.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Draws what the environment does.</summary>
    public Random Random => _random;

    public ActorId NewActorId() => SimIds.Actor(++_lastActor);

    public string NewRunnerId() => SimIds.Runner(++_lastRunner);

    /// <summary>Whether a fault that is on in this run may happen now.</summary>
    public bool May(FaultKinds fault) => !IsQuiet && Parameters.Has(fault);

    public bool Chance(double probability) => _random.NextDouble() < probability;

    public int Next(int below) => _random.Next(below);

    public TimeSpan Between(double fromMs, double toMs) => TimeSpan.FromTicks((long)((fromMs + (_random.NextDouble() * (toMs - fromMs))) * TimeSpan.TicksPerMillisecond));

    /// <summary>Exponentially distributed.</summary>
    public TimeSpan About(TimeSpan mean) => mean * -Math.Log(1 - _random.NextDouble());

    /// <summary>One way through the network.</summary>
    public TimeSpan Delay() => Between(0.1, 3);

    public Fate StoreFate()
    {
        var slow = May(FaultKinds.SlowStore);
        var loses = May(FaultKinds.Loss);
        return new(
            slow && Chance(Parameters.Slow) ? Between(20, 2500) : Delay(),
            slow && Chance(Parameters.Slow) ? Between(20, 1500) : Delay(),
            loses && Chance(Parameters.Loss),
            loses && Chance(Parameters.Loss));
    }

    public int EventCopies()
        => May(FaultKinds.EventsLost) && Chance(Parameters.EventLoss) ? 0 : May(FaultKinds.EventsTwice) && Chance(0.2) ? 2 : 1;

    public TimeSpan EventDelay()
        => May(FaultKinds.EventsLate) && Chance(0.5) ? Between(0, Parameters.EventDelay.TotalMilliseconds) : Delay();

    /// <summary>A Guard that can be called; null when none lives.</summary>
    public SimGuard? AnyGuard()
    {
        var living = Guards.Count(g => g.Process.IsAlive);
        return living == 0 ? null : Guards.Where(g => g.Process.IsAlive).ElementAt(Next(living));
    }
}
