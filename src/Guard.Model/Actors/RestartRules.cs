namespace Guard.Model.Actors;

/// <summary>When actors with crash policy restart are started again: <c>Actors:Restart*</c>.</summary>
/// <param name="BaseDelay">The longest first delay.</param>
/// <param name="MaxDelay">No delay is longer.</param>
/// <param name="ResetAfter">An actor that was ready for so long begins with the first delay again.</param>
internal readonly record struct RestartRules(TimeSpan BaseDelay, TimeSpan MaxDelay, TimeSpan ResetAfter)
{
    /// <summary>The rules of one decision, with its jitter drawn.</summary>
    public RestartTiming Draw(Random random) => new(
        (long)BaseDelay.TotalMilliseconds, (long)MaxDelay.TotalMilliseconds, (long)ResetAfter.TotalMilliseconds, random.Next(1001));
}
