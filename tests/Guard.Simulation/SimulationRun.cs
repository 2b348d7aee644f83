using System.Globalization;
using System.Text;
using Guard.Model.Actors;
using Guard.Simulation.Checks;
using Guard.Simulation.Engine;
using Guard.Simulation.Plants;
using Guard.Simulation.Processes;

namespace Guard.Simulation;

/// <summary>One seed from beginning to end: a time in which things go wrong, a time in which nothing does, and a last look.</summary>
internal static class SimulationRun
{
    /// <summary>Runs the world of the seed, or what a planted bug makes of it.</summary>
    public static SimulationResult Run(int seed, bool record = false, PlantedBug? plant = null)
    {
        var parameters = SimParameters.Draw(seed);
        return Run(plant?.Shape(parameters) ?? parameters, record, plant);
    }

    /// <summary>Runs the parameters; the thread is the simulation's until it ends.</summary>
    /// <param name="parameters">The world.</param>
    /// <param name="record">Whether to keep the history's text.</param>
    /// <param name="plant">Puts a bug into the world before it begins; null for none.</param>
    public static SimulationResult Run(SimParameters parameters, bool record = false, PlantedBug? plant = null)
    {
        var world = new World(parameters, record);
        try
        {
            Play(world, plant);
        }
        catch (Exception e)
        {
            world.Checks.Fail(e is EscapeException ? ViolationKind.Escape : ViolationKind.Bug, e.ToString());
        }

        return new SimulationResult(
            parameters, world.Checks.Violation, world.History.Hash, world.Scheduler.Steps, world.Checks.Requests, world.History.Lines);
    }

    private static void Play(World world, PlantedBug? plant)
    {
        var clients = new Clients(world);
        world.Scheduler.Execute(world.Store.Process, _ => Prepare(world, clients), null);
        plant?.Plant(world);
        for (var i = 1; i <= world.Parameters.Guards; i++)
        {
            world.Guards.Add(new SimGuard(world, i, 1));
        }

        for (var i = 1; i <= world.Parameters.Runners; i++)
        {
            world.Runners.Add(new SimRunner(world, i));
        }

        var chaos = new Chaos(world);
        clients.Start();
        chaos.Start();
        if (!StepUntil(world, world.Parameters.Chaos, () => false))
        {
            return;
        }

        chaos.Mend();
        clients.Insist();
        if (!StepUntil(world, world.Parameters.TimeToConverge, () => clients.AllServed))
        {
            return;
        }

        if (!clients.AllServed)
        {
            world.Checks.Fail(
                ViolationKind.NotConverged, string.Join("; ", clients.LastHeard.Select(heard => $"{heard.Key} heard {heard.Value}")));
            return;
        }

        if (StepUntil(world, world.Parameters.TimeToSettle + world.Checks.LongestOpen(), () => false))
        {
            world.Checks.Finish();
        }
    }

    private static void Prepare(World world, Clients clients)
    {
        // The store is in this process: everything completes at once.
        world.Store.Pools.PutAsync(World.Pool, world.Parameters.Pool, default).AsTask().GetAwaiter().GetResult();
        for (var i = 0; i < world.Parameters.Actors; i++)
        {
            if (i % 2 == 0)
            {
                var id = world.NewActorId();
                world.Store.Actors.CreateAsync(new(id, World.Pool, "counter", $"made-{i}", i % 4 == 0 ? CrashPolicy.Restart : CrashPolicy.Sleep, null), default).AsTask().GetAwaiter().GetResult();
                clients.AddActor(null, id);
            }
            else
            {
                clients.AddActor($"key-{i}", default);
            }
        }
    }

    /// <summary>False when the checks have failed.</summary>
    private static bool StepUntil(World world, TimeSpan time, Func<bool> done)
    {
        var end = world.Scheduler.Now + time.Ticks;
        while (world.Scheduler.Now < end && !done() && world.Scheduler.Step())
        {
            world.Checks.AfterStep();
            if (world.Checks.Violation is not null)
            {
                return false;
            }
        }

        return world.Checks.Violation is null;
    }
}

/// <param name="Parameters">The world.</param>
/// <param name="Violation">The first thing that was wrong; null when nothing was.</param>
/// <param name="Hash">Of everything that happened, in order.</param>
/// <param name="Steps">Items run.</param>
/// <param name="Requests">Requests of clients that ended.</param>
/// <param name="History">Readable, when recorded.</param>
internal sealed record SimulationResult(
    SimParameters Parameters, Violation? Violation, ulong Hash, long Steps, int Requests, IReadOnlyList<string> History)
{
    public string Report()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Parameters}\n\n");
        foreach (var line in History)
        {
            text.Append(line).Append('\n');
        }

        return text.Append(CultureInfo.InvariantCulture, $"\n{Violation?.ToString() ?? "nothing is wrong"}\nhash {Hash:x16}, {Steps} steps, {Requests} requests\n")
            .ToString();
    }
}
