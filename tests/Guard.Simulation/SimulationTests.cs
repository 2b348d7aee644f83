using System.Diagnostics;
using System.Globalization;
using Guard.Simulation.Plants;

namespace Guard.Simulation;

/// <summary>What CI runs of the simulation. Any number of seeds: docs/simulation.md.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 3000;

    /// <summary>Of a world with a bug: most show it among the first twenty.</summary>
    private const int SeedsWithABug = 1000;

    public static TheoryData<string> Plants => [.. PlantedBug.All.Select(p => p.Name)];

    [Fact]
    public void Seeds_Many_NothingIsWrong()
    {
        var totals = SeedRange.Run(1, Seeds, most: 1);

        if (totals.Failed is [var failed, ..])
        {
            output.WriteLine(SimulationRun.Run(failed.Parameters, record: true).Report());
        }

        output.WriteLine($"{totals.Seeds} seeds, {totals.Steps} steps, {totals.Requests} requests");
        Assert.Empty(totals.Failed.Select(f => $"seed {f.Parameters.Seed}: {f.Violation}"));
        Assert.Equal(Seeds, totals.Seeds);
        Assert.True(totals.Requests > Seeds * 10, "hardly anybody asked for anything");
    }

    [Theory]
    [MemberData(nameof(Plants))]
    public void Seeds_WithAPlantedBug_FindIt(string name)
    {
        var plant = PlantedBug.All.Single(p => p.Name == name);

        // A bug may show in several ways; one of them is its own.
        var failed = SeedRange.Run(1, SeedsWithABug, most: 30, plant).Failed;
        var found = failed.FirstOrDefault(f => plant.Shows.Contains(f.Violation!.Kind));

        Assert.True(found is not null, $"{name} is not found; what is: {string.Join(", ", failed.Select(f => f.Violation!.Kind).Distinct())}");
        output.WriteLine($"{name}: seed {found.Parameters.Seed}: {found.Violation}");
        var again = SimulationRun.Run(found.Parameters.Seed, record: true, plant);
        Assert.Equal((found.Hash, found.Violation), (again.Hash, again.Violation));
        Assert.Contains(found.Violation!.ToString(), again.Report(), StringComparison.Ordinal);
    }

    [Fact]
    public void Seed_RunTwice_IsTheSameWorld()
    {
        foreach (var seed in Enumerable.Range(1, 20))
        {
            Assert.Equal(SimulationRun.Run(seed).Hash, SimulationRun.Run(seed, record: true).Hash);
        }

        Assert.NotEqual(SimulationRun.Run(1).Hash, SimulationRun.Run(2).Hash);
    }

    [Fact]
    public async Task Seed_RunInAnotherProcess_IsTheSameWorld()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "Guard.Simulation.dll"), "--hash", "1", "--seeds", "20"])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var lines = (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        var here = Enumerable.Range(1, 20).Select(seed => SimulationRun.Run(seed).Hash.ToString("x16", CultureInfo.InvariantCulture));
        Assert.Equal(here, lines[..20]);

        // The last line counts what the thread pool ran there: nothing escaped the schedule.
        Assert.Equal("0", lines[20]);
    }
}
