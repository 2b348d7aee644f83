using System.Globalization;
using Guard.Simulation.Plants;

namespace Guard.Simulation;

/// <summary>
/// <code>
/// --seeds N [--from M] [--verbose]  runs N seeds from M (1) on, on all processors; prints those that fail, verbose with their history
/// --seed N [--verbose]              runs one; prints its history when it fails, verbose always
/// --hash N [--seeds M]              prints the hash of N and M-1 seeds after it, and how many work items the thread pool ran
/// --plant NAME                      with any of these: puts a bug into each world
/// </code>
/// Exit code 1 when a seed failed.
/// </summary>
internal static class SeedCommand
{
    public static int Run(string[] args)
    {
        var plant = Text(args, "--plant") is { } name ? PlantedBug.All.Single(p => p.Name == name) : null;
        if (Number(args, "--hash") is { } first)
        {
            for (var seed = first; seed < first + (Number(args, "--seeds") ?? 1); seed++)
            {
                Console.WriteLine(SimulationRun.Run(seed, record: false, plant).Hash.ToString("x16", CultureInfo.InvariantCulture));
            }

            Console.WriteLine(ThreadPool.CompletedWorkItemCount + ThreadPool.PendingWorkItemCount);
            return 0;
        }

        if (Number(args, "--seed") is { } one)
        {
            var result = SimulationRun.Run(one, record: true, plant);
            Console.WriteLine(
                result.Violation is not null || args.Contains("--verbose") ? result.Report() : $"seed {one} is fine, hash {result.Hash:x16}");
            return result.Violation is null ? 0 : 1;
        }

        return RunMany(args, plant);
    }

    private static int RunMany(string[] args, PlantedBug? plant)
    {
        var since = TimeProvider.System.GetTimestamp();
        var totals = SeedRange.Run(Number(args, "--from") ?? 1, Number(args, "--seeds")!.Value, most: 10, plant);
        foreach (var failed in totals.Failed)
        {
            var seed = failed.Parameters.Seed;
            Console.WriteLine(args.Contains("--verbose") ? SimulationRun.Run(seed, record: true, plant).Report() : $"seed {seed}: {failed.Violation}");
        }

        var seconds = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{totals.Seeds} seeds, {totals.Failed.Count} failed, {totals.Steps} steps, {totals.Requests} requests in {seconds:0.0} s"));
        return totals.Failed.Count == 0 ? 0 : 1;
    }

    private static int? Number(string[] args, string name)
        => Text(args, name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Text(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}
