using System.Globalization;

namespace Guard.Simulation;

/// <summary>
/// <code>
/// --seeds N [--from M]   runs N seeds from M (1) on, on all processors, and prints the history of those that fail
/// --seed N [--verbose]   runs one, with its history when it fails or always
/// --hash N               prints the hash of one run
/// </code>
/// Exit code 1 when a seed failed.
/// </summary>
internal static class SeedCommand
{
    public static int Run(string[] args)
    {
        if (Number(args, "--hash") is { } hashed)
        {
            Console.WriteLine(SimulationRun.Run(SimParameters.Draw(hashed)).Hash.ToString("x16", CultureInfo.InvariantCulture));
            return 0;
        }

        if (Number(args, "--seed") is { } seed)
        {
            var result = SimulationRun.Run(SimParameters.Draw(seed), record: true);
            Console.WriteLine(result.Violation is not null || args.Contains("--verbose") ? result.Report() : $"seed {seed} is fine, hash {result.Hash:x16}");
            return result.Violation is null ? 0 : 1;
        }

        var count = Number(args, "--seeds")!.Value;
        var since = TimeProvider.System.GetTimestamp();
        var totals = SeedRange.Run(Number(args, "--from") ?? 1, count, most: 10);
        foreach (var failed in totals.Failed)
        {
            Console.WriteLine(args.Contains("--verbose") ? SimulationRun.Run(failed.Parameters, record: true).Report() : $"seed {failed.Parameters.Seed}: {failed.Violation}");
        }

        var seconds = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{totals.Seeds} seeds, {totals.Failed.Count} failed, {totals.Steps} steps, {totals.Requests} requests in {seconds:0.0} s"));
        return totals.Failed.Count == 0 ? 0 : 1;
    }

    private static int? Number(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : null;
    }
}
