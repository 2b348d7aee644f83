namespace Guard.Model.Runners;

/// <summary>
/// Which runners of a pool drain because of their version. Pure. Recomputed whenever a runner registers, is drained, stopped, ages or
/// comes back: a runner drains by version exactly while one of a higher version serves, so a rollback undoes it.
/// </summary>
internal static class VersionDrain
{
    /// <summary>The version below which runners drain; null when none does.</summary>
    /// <param name="candidates">The pool's live runners.</param>
    /// <param name="isOn">Whether the pool drains on version upgrades; off when it has no runner-config.</param>
    /// <param name="eligibleAfter">Age from which a heartbeat is too old.</param>
    public static int? Threshold(IEnumerable<RunnerCandidate> candidates, bool isOn, TimeSpan eligibleAfter)
    {
        int? highest = null;
        foreach (var candidate in isOn ? candidates : [])
        {
            if ((highest is null || candidate.Runner.Version > highest) && Serves(candidate, eligibleAfter))
            {
                highest = candidate.Runner.Version;
            }
        }

        return highest;
    }

    /// <summary>The runner as it is with that threshold; the very same when nothing changes.</summary>
    public static RunnerRecord Apply(RunnerRecord runner, int? threshold, long now)
        => runner.Version < threshold == (runner.VersionDrainTs != 0)
            ? runner
            : runner with { VersionDrainTs = runner.VersionDrainTs == 0 ? now : 0 };

    // Whether others drain because of it: it would take actors, had it not to drain by version itself. Free slots do not matter.
    private static bool Serves(in RunnerCandidate candidate, TimeSpan eligibleAfter)
        => candidate.Runner is { StopTs: 0, DrainRequestTs: 0 } && (candidate.Runner.IsStatic || candidate.SinceLastPing < eligibleAfter);
}
