using System.Globalization;
using Guard.Core.Options;
using Guard.Model.Pools;

namespace Guard.Simulation;

/// <summary>What may go wrong in a run.</summary>
[Flags]
internal enum FaultKinds
{
    None = 0,

    /// <summary>Requests to the store and their replies get lost.</summary>
    Loss = 1,

    /// <summary>They are late, some later than the caller waits: the call fails and has its effect all the same.</summary>
    SlowStore = 1 << 1,

    EventsLost = 1 << 2,
    EventsLate = 1 << 3,
    EventsTwice = 1 << 4,

    /// <summary>A Guard and the store are cut off from each other.</summary>
    StoreCut = 1 << 5,

    /// <summary>The store dies and comes back with its data.</summary>
    StoreDown = 1 << 6,

    /// <summary>The store stands still, then does everything it was asked.</summary>
    StorePaused = 1 << 7,

    /// <summary>The store forgets pool health.</summary>
    HealthEvicted = 1 << 8,

    RunnerCrash = 1 << 9,

    /// <summary>A runner and the Guards are cut off from each other, one way or both.</summary>
    RunnerCut = 1 << 10,

    RunnerDeleted = 1 << 11,

    /// <summary>Starts are refused, hang, take too long, break off, stop or crash before they are ready.</summary>
    BadStarts = 1 << 12,

    /// <summary>Actors go to sleep or crash by themselves.</summary>
    ActorsEnd = 1 << 13,

    ActorsDestroyed = 1 << 14,

    /// <summary>A Guard stands still for a while and goes on where it was.</summary>
    GuardPaused = 1 << 15,

    GuardCrash = 1 << 16,
    PoolErrors = 1 << 17,
    ClientsLeave = 1 << 18,

    /// <summary>Runners register again with another version, higher or lower.</summary>
    VersionsChange = 1 << 19,

    /// <summary>A runner is drained by request, and later leaves.</summary>
    RunnerDrained = 1 << 20,
}

/// <summary>The world of one seed. Drawn from it alone.</summary>
internal sealed record SimParameters
{
    private const FaultKinds All = (FaultKinds)((1 << 21) - 1);

    public required int Seed { get; init; }

    public required FaultKinds Faults { get; init; }

    public required int Guards { get; init; }

    public required int Runners { get; init; }

    public required int SlotsPerRunner { get; init; }

    public required int Actors { get; init; }

    public required int Clients { get; init; }

    /// <summary>Mean time between two requests of a client.</summary>
    public required TimeSpan Pace { get; init; }

    /// <summary>Mean time between two faults.</summary>
    public required TimeSpan FaultPace { get; init; }

    /// <summary>How long things go wrong.</summary>
    public required TimeSpan Chaos { get; init; }

    /// <summary>Of calls to the store, each way.</summary>
    public required double Loss { get; init; }

    public required double Slow { get; init; }

    public required double EventLoss { get; init; }

    public required TimeSpan EventDelay { get; init; }

    public required GuardOptions Options { get; init; }

    public required PoolConfig Pool { get; init; }

    /// <summary>How long it may take at most, once nothing goes wrong, until every actor serves: what was lost has to be found lost, what hangs
    /// to time out, and a red pool to be probed green.</summary>
    public TimeSpan TimeToConverge
        => (2 * Options.Runners.LostAfter) + (2 * Options.Runners.StartTimeout) + (2 * Options.Runners.ReadyTimeout)
            + TimeSpan.FromSeconds(Pool.DrainGracePeriod + 15)
            + (Options.FailFast.ProbeInterval * (Options.PoolHealth.SuccessesToClear + Actors + 1)) + (2 * Options.Readiness.Timeout) + TimeSpan.FromSeconds(10);

    /// <summary>After every actor has served: for calls that still hang, for runners to learn what is no longer theirs, and for the last
    /// change of versions to be over.</summary>
    public TimeSpan TimeToSettle
        => Options.Runners.StartTimeout + Options.Runners.ReadyTimeout + Options.Runners.EligibleAfter + TimeSpan.FromSeconds(3)
            + (Has(FaultKinds.VersionsChange) ? TimeSpan.FromSeconds(15) : TimeSpan.Zero);

    public bool Has(FaultKinds fault) => (Faults & fault) != 0;

    public static SimParameters Draw(int seed)
    {
        var random = new Random(seed);
        var actors = random.Next(1, 6);
        var runners = random.Next(1, 4);

        // Each kind of fault is on in half of the runs: all of them at once would hide what two of them do together.
        var faults = (FaultKinds)random.Next((int)All + 1);
        return new SimParameters
        {
            Seed = seed,
            Faults = faults,
            Guards = random.Next(1, 4),
            Runners = runners,
            SlotsPerRunner = ((actors + runners - 1) / runners) + random.Next(3),
            Actors = actors,
            Clients = random.Next(1, 6),
            Pace = TimeSpan.FromMilliseconds(random.Next(50, 1500)),
            FaultPace = TimeSpan.FromMilliseconds(random.Next(300, 4000)),
            Chaos = TimeSpan.FromSeconds(random.Next(5, 30)),
            Loss = random.NextDouble() * 0.15,
            Slow = random.NextDouble() * 0.15,
            EventLoss = random.NextDouble(),
            EventDelay = TimeSpan.FromMilliseconds(random.Next(5, 3000)),
            Options = DrawOptions(random),
            Pool = new()
            {
                DrainOnVersionUpgrade = random.Next(8) != 0,
                DrainGracePeriod = random.Next(1, 20),
                ActorEvictionDelay = random.Next(3),
                ActorEvictionRate = random.Next(1, 20),
            },
        };
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        seed {Seed}: {Guards} guards, {Runners} runners with {SlotsPerRunner} slots, {Actors} actors, {Clients} clients
        faults for {Chaos.TotalSeconds} s: {Faults}
        pace {Ms(Pace)}, faults every {Ms(FaultPace)}, loss {Loss:0.00}, slow {Slow:0.00}, event loss {EventLoss:0.00}, event delay {Ms(EventDelay)}
        fail fast: check delay {Ms(Options.FailFast.CheckDelay)}, poll {Ms(Options.FailFast.PollInterval)}, cache {Ms(Options.FailFast.CacheTtl)}, push {Options.FailFast.Push}, refuse when red {Options.FailFast.RefuseWhenRed}, probe every {Ms(Options.FailFast.ProbeInterval)}
        pool health: {Options.PoolHealth.ErrorsToTrip} errors to trip, {Options.PoolHealth.SuccessesToClear} successes to clear, error ttl {Ms(Options.PoolHealth.ErrorTtl)}
        readiness: timeout {Ms(Options.Readiness.Timeout)}, repair {Ms(Options.Readiness.RepairInterval)}, wake retries {Options.Readiness.MaxWakeRetries}, held per actor {Options.Readiness.MaxHeldPerActor}
        drains: by version {Pool.DrainOnVersionUpgrade}, delay {Pool.ActorEvictionDelay} s, {Pool.ActorEvictionRate}/s, grace {Pool.DrainGracePeriod} s
        runners: start {Ms(Options.Runners.StartTimeout)}, ready {Ms(Options.Runners.ReadyTimeout)}, eligible {Ms(Options.Runners.EligibleAfter)}, lost {Ms(Options.Runners.LostAfter)}; route ttl {Ms(Options.RouteCache.Ttl)}
        """);

    private static string Ms(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds} ms");

    private static GuardOptions DrawOptions(Random random)
    {
        TimeSpan OneOf(params int[] milliseconds) => TimeSpan.FromMilliseconds(milliseconds[random.Next(milliseconds.Length)]);
        var options = new GuardOptions();
        options.FailFast.PollInterval = OneOf(300, 2000);
        options.FailFast.CacheTtl = OneOf(0, 500, 2000);
        options.FailFast.Push = random.Next(4) != 0;
        options.FailFast.RefuseWhenRed = random.Next(4) != 0;

        // Without probes and without a delay every hold on a red pool ends before its wake begins: nothing but ErrorTtl can turn it green.
        options.FailFast.CheckDelay = options.FailFast.RefuseWhenRed ? OneOf(0, 300, 1000) : OneOf(300, 1000);
        options.FailFast.ProbeInterval = OneOf(1000, 5000);
        options.PoolHealth.ErrorsToTrip = random.Next(1, 3);
        options.PoolHealth.SuccessesToClear = random.Next(1, 4);
        options.PoolHealth.ErrorTtl = OneOf(5000, 900_000);
        options.Readiness.Timeout = OneOf(3000, 8000, 20_000, 30_000);
        options.Readiness.RepairInterval = OneOf(200, 1000);
        options.Readiness.MaxWakeRetries = random.Next(2) == 0 ? 8 : 1;
        options.Readiness.MaxHeldPerActor = random.Next(8) == 0 ? 3 : 1000;
        options.RouteCache.Ttl = OneOf(1000, 600_000);
        options.Runners.StartTimeout = OneOf(1000, 3000, 10_000);
        options.Runners.ReadyTimeout = OneOf(2000, 10_000);
        options.Runners.EligibleAfter = OneOf(2000, 6000);
        options.Runners.LostAfter = options.Runners.EligibleAfter * 1.5;
        return options;
    }
}
