namespace Guard.Hosting;

/// <summary>
/// Something that has to come to an end before the process does, while the control API still answers. Those registered begin together,
/// once clients are not accepted any more.
/// </summary>
internal interface IDrainedAtShutdown
{
    /// <summary>Ends what it has under way; never throws.</summary>
    /// <param name="window">The time there is: <c>Shutdown:DrainTimeout</c>.</param>
    /// <param name="limit">Fires when the time is over, or somebody wants the end now: what is left is cut.</param>
    Task DrainAsync(TimeSpan window, CancellationToken limit);
}
