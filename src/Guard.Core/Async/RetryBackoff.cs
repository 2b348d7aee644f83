using Guard.Core.Options;

namespace Guard.Core.Async;

/// <summary>How long to wait before a request is sent, or an actor started, again: exponential with full jitter, never past the deadline.</summary>
internal static class RetryBackoff
{
    /// <param name="retry">0 for the first time it is sent again.</param>
    /// <param name="options">Base and longest delay.</param>
    /// <param name="remaining">Time left of the request's deadline.</param>
    /// <param name="random">Source of the jitter.</param>
    public static TimeSpan Next(int retry, RetryOptions options, TimeSpan remaining, Random random)
    {
        // Past 2^30 any base delay is above any longest delay.
        var ceiling = Math.Min(options.BaseDelay.Ticks * Math.Pow(2, Math.Clamp(retry, 0, 30)), options.MaxDelay.Ticks);
        var delay = TimeSpan.FromTicks((long)(random.NextDouble() * ceiling));
        return delay < remaining ? delay : remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }
}
