namespace Guard.Simulation.Processes;

/// <summary>A runner that keeps its key and its address over all its lives.</summary>
internal sealed class SimRunner
{
    private readonly World _world;
    private int _lives;

    public SimRunner(World world, int number)
    {
        _world = world;
        Number = number;
        Host = $"runner-{number}";
        Life = new RunnerLife(world, this, ++_lives);
    }

    public int Number { get; }

    public string Host { get; }

    public RunnerLife Life { get; private set; }

    /// <summary>What it registers with; a change is told at the next heartbeat.</summary>
    public int Version { get; set; } = 1;

    /// <summary>Guards cannot reach it.</summary>
    public bool IsCutFromCalls { get; set; }

    /// <summary>It cannot reach the Guards.</summary>
    public bool IsCutFromControl { get; set; }

    /// <summary>Dies and takes its actors with it.</summary>
    public void Crash()
    {
        _world.History.Note(Life.Process, $"crashes");
        Life.Process.Kill();
        _world.Checks.RunnerFailed();
        _world.Checks.Died(Life);
    }

    public void Restart()
    {
        if (!Life.Process.IsAlive)
        {
            Life = new RunnerLife(_world, this, ++_lives);
        }
    }
}
