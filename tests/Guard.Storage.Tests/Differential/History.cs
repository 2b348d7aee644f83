using Guard.Core.Options;

namespace Guard.Storage.Tests.Differential;

/// <summary>What a seed stands for.</summary>
/// <param name="Options">Of all stores.</param>
/// <param name="Steps">In order.</param>
/// <param name="IsCrowded">It has more runners of one version than a start looks at.</param>
internal sealed record History(GuardOptions Options, IReadOnlyList<HistoryStep> Steps, bool IsCrowded)
{
    private const int Transitions = 100;
    private const int Crowd = 26;

    public static History Of(int seed)
    {
        var random = new Random(seed);
        T One<T>(params ReadOnlySpan<T> values) => values[random.Next(values.Length)];
        var options = new GuardOptions();
        options.Runners.EligibleAfter = TimeSpan.FromSeconds(One(4, 10));
        options.Runners.LostAfter = TimeSpan.FromSeconds(One(10, 15));
        options.Actors.RestartBaseDelay = TimeSpan.FromMilliseconds(One(1, 2000));
        options.Actors.RestartMaxDelay = TimeSpan.FromMilliseconds(One(1000, 5001, 512_000));
        options.Actors.RestartResetAfter = TimeSpan.FromSeconds(One(3, 600));
        options.PoolHealth.ErrorsToTrip = One(1, 1, 3);
        options.PoolHealth.SuccessesToClear = One(1, 2, 3);
        options.PoolHealth.ErrorTtl = TimeSpan.FromSeconds(One(5, 900));
        options.PoolHealth.MaxErrorBytes = One(16, 512);
        options.Readiness.RepairInterval = TimeSpan.FromSeconds(One(1, 3));
        var isCrowded = random.Next(20) == 0;
        return new(options, HistoryStep.Draw(random, Transitions, isCrowded ? Crowd : 0), isCrowded);
    }

    /// <summary>Takes steps away as long as the stores still differ: first all after the difference, then ever smaller
    /// pieces, until none can be spared.</summary>
    public static async Task<(IReadOnlyList<HistoryStep> Steps, string How)> ShrinkAsync(
        IReadOnlyList<HistoryStep> steps, (int Step, string How) found, Func<IReadOnlyList<HistoryStep>, Task<(int Step, string How)?>> run)
    {
        var (left, how) = ((IReadOnlyList<HistoryStep>)steps.Take(found.Step + 1).ToArray(), found.How);
        for (var before = int.MaxValue; left.Count < before;)
        {
            before = left.Count;
            for (var size = left.Count / 2; size > 0; size /= 2)
            {
                for (var at = 0; at + size <= left.Count;)
                {
                    HistoryStep[] fewer = [.. left.Take(at), .. left.Skip(at + size)];
                    if (await run(fewer) is { } still)
                    {
                        (left, how) = (fewer[..(still.Step + 1)], still.How);
                    }
                    else
                    {
                        at += size;
                    }
                }
            }
        }

        return (left, how);
    }
}
