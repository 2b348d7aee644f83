namespace Guard.Model.Runners;

/// <summary>A runner that may be chosen.</summary>
/// <param name="Runner">Its record.</param>
/// <param name="SinceLastPing">The age of its last heartbeat.</param>
internal readonly record struct RunnerCandidate(RunnerRecord Runner, TimeSpan SinceLastPing);

/// <summary>
/// Chooses the runner of a new start. Pure but for the random numbers it is given. One pass over the candidates, no list of them.
/// </summary>
/// <remarks>
/// The newest version that has a free slot serves: while a new version rolls out, older runners take what it has no room for; retiring
/// them is the business of draining, not of turning requests away. Of that version two runners are drawn and the one with more free slots
/// is taken: near the balance of always taking the emptiest, without every Guard picking the same one.
/// </remarks>
internal static class RunnerAllocator
{
    /// <summary>The runner to start on; null when none is eligible with a free slot.</summary>
    /// <param name="candidates">The pool's runners, in any order.</param>
    /// <param name="exclude">Ids of runners not to use.</param>
    /// <param name="eligibleAfter">Age from which a heartbeat is too old; static runners have none and always count as eligible.</param>
    /// <param name="random">Draws the sample; seeded in tests. Not used by anyone else meanwhile.</param>
    public static RunnerRecord? Choose(
        IEnumerable<RunnerCandidate> candidates, IReadOnlyCollection<string> exclude, TimeSpan eligibleAfter, Random random)
    {
        RunnerRecord? first = null;
        RunnerRecord? second = null;
        var seen = 0;
        foreach (var candidate in candidates)
        {
            var runner = candidate.Runner;
            if ((first is not null && runner.Version < first.Version) || !CanTake(candidate, eligibleAfter) || exclude.Contains(runner.RunnerId))
            {
                continue;
            }

            if (first is null || runner.Version > first.Version)
            {
                (first, second, seen) = (runner, null, 1);
                continue;
            }

            // Reservoir of two: each of the n seen so far is in it with probability 2/n.
            seen++;
            if (second is null)
            {
                second = runner;
                continue;
            }

            switch (random.Next(seen))
            {
                case 0:
                    first = runner;
                    break;
                case 1:
                    second = runner;
                    break;
            }
        }

        if (first is null || second is null || first.RemainingSlots > second.RemainingSlots)
        {
            return first;
        }

        return second.RemainingSlots > first.RemainingSlots || random.Next(2) == 0 ? second : first;
    }

    /// <summary>Whether a runner may take actors at all: running, not draining, heard of lately (or static).</summary>
    public static bool IsEligible(in RunnerCandidate candidate, TimeSpan eligibleAfter)
        => candidate.Runner is { StopTs: 0, DrainTs: 0 } && (candidate.Runner.IsStatic || candidate.SinceLastPing < eligibleAfter);

    private static bool CanTake(in RunnerCandidate candidate, TimeSpan eligibleAfter)
        => candidate.Runner.RemainingSlots > 0 && IsEligible(candidate, eligibleAfter);
}
