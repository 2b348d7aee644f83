using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Routing;
using Guard.Core.Storage;

namespace Guard.Core.Readiness;

/// <summary>
/// Looks up a route that is not cached. While the store does not answer, the request is held and the look-up repeated, until its deadline:
/// an outage of the store is never answered with "not found" (CONTRACT section 4.7). Thread-safe.
/// </summary>
internal sealed class UnroutedHold(HoldLimiter limiter, LiveOptions options, GuardMetrics metrics, TimeProvider time)
{
    /// <summary>The route, or why there is none.</summary>
    /// <param name="lookUp">One look-up; may throw <see cref="StoreUnavailableException"/>.</param>
    /// <param name="arrival">The request's arrival.</param>
    /// <param name="clientGone">Fires when the client left.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async Task<Resolution> ResolveAsync(Func<CancellationToken, Task<Resolution>> lookUp, long arrival, CancellationToken clientGone)
    {
        try
        {
            return await lookUp(clientGone);
        }
        catch (StoreUnavailableException)
        {
        }

        if (limiter.TryEnterUnrouted() is { } full)
        {
            return full;
        }

        var since = time.GetTimestamp();
        var outcome = HoldOutcome.ClientGone;
        metrics.HoldStarted();
        try
        {
            var resolution = await RepeatAsync(lookUp, arrival, clientGone);
            outcome = resolution.Route is null ? HoldOutcome.Unavailable : HoldOutcome.Ready;
            return resolution;
        }
        finally
        {
            limiter.ExitUnrouted();
            metrics.HoldEnded(outcome, time.GetElapsedTime(since));
        }
    }

    private async Task<Resolution> RepeatAsync(Func<CancellationToken, Task<Resolution>> lookUp, long arrival, CancellationToken clientGone)
    {
        var left = options.Current.Readiness.Timeout - time.GetElapsedTime(arrival);
        if (left <= TimeSpan.Zero)
        {
            return GuardErrors.ServiceUnavailable(null, time.GetElapsedTime(arrival));
        }

        // A look-up that begins before the deadline does not outlive it.
        using var deadline = new CancellationTokenSource(left, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, clientGone);
        try
        {
            while (true)
            {
                await Task.Delay(options.Current.Readiness.RepairInterval, time, ends.Token);
                try
                {
                    return await lookUp(ends.Token);
                }
                catch (StoreUnavailableException)
                {
                }
            }
        }
        catch (OperationCanceledException) when (!clientGone.IsCancellationRequested)
        {
            return GuardErrors.ServiceUnavailable(null, time.GetElapsedTime(arrival));
        }
    }
}
