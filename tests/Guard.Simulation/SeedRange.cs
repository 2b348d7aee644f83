using Guard.Simulation.Plants;

namespace Guard.Simulation;

/// <summary>Runs many seeds on all processors. Each simulation has a thread of its own, none of the pool's: what escapes to the pool finds it
/// idle and is caught in the act.</summary>
internal static class SeedRange
{
    private const int SeedsPerCollection = 200;

    /// <param name="from">The first seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="most">Stops after so many failures.</param>
    /// <param name="plant">A bug in each world; null for none.</param>
    public static SeedTotals Run(int from, int count, int most, PlantedBug? plant = null)
    {
        var next = from - 1;
        var (seeds, steps, requests) = (0, 0L, 0L);
        List<SimulationResult> failed = [];
        var gate = new Lock();
        var threads = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work)).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        failed.Sort((a, b) => a.Parameters.Seed.CompareTo(b.Parameters.Seed));
        return new SeedTotals(seeds, steps, requests, failed);

        void Work()
        {
            while (true)
            {
                var seed = Interlocked.Increment(ref next);
                if (seed >= from + count || Volatile.Read(ref failed).Count >= most)
                {
                    return;
                }

                if (seed % SeedsPerCollection == 0)
                {
                    // Metrics pin arrays, which only a full collection gives back, and nothing here calls for one.
                    GC.Collect();
                }

                var result = SimulationRun.Run(seed, record: false, plant);
                lock (gate)
                {
                    seeds++;
                    steps += result.Steps;
                    requests += result.Requests;
                    if (result.Violation is not null)
                    {
                        failed.Add(result);
                    }
                }
            }
        }
    }
}

internal sealed record SeedTotals(int Seeds, long Steps, long Requests, IReadOnlyList<SimulationResult> Failed);
