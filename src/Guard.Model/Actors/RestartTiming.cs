namespace Guard.Model.Actors;

/// <summary>
/// When an actor with crash policy restart is started again: <c>Actors:Restart*</c>, in ms, and the jitter of one decision, drawn by the
/// caller so that every store decides alike. Integer arithmetic, which the stores' scripts repeat.
/// </summary>
/// <param name="BaseDelayMs">The longest first delay; it doubles with each restart. The delay is half of it to all of it.</param>
/// <param name="MaxDelayMs">No delay is longer.</param>
/// <param name="ResetAfterMs">Whoever was ready for so long begins with the first delay again.</param>
/// <param name="Jitter">0 to 1000: where between half and all.</param>
internal readonly record struct RestartTiming(long BaseDelayMs, long MaxDelayMs, long ResetAfterMs, int Jitter)
{
    /// <summary>More doublings reach any delay that can be configured.</summary>
    private const int MostDoublings = 30;

    /// <param name="restarts">How often it was restarted since it last ran quietly.</param>
    public long Delay(int restarts)
        => Math.Min(MaxDelayMs, BaseDelayMs << Math.Min(restarts, MostDoublings)) * (1000 + Jitter) / 2000;

    /// <summary>Whether it ran quietly.</summary>
    /// <param name="connectableTs">Since when it was ready; 0 when it was not.</param>
    /// <param name="now">The end of its run.</param>
    public bool IsQuiet(long connectableTs, long now) => connectableTs != 0 && now - connectableTs >= ResetAfterMs;

    /// <summary>As the scripts take it: the four numbers joined by <c>|</c>.</summary>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{BaseDelayMs}|{MaxDelayMs}|{ResetAfterMs}|{Jitter}");
}
