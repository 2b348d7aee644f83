using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Routing;
using Guard.Model.Stores;

namespace Guard.Core.Request.Readiness;

/// <summary>
/// Looks up a route that is not cached. While the store does not answer, the request is held and the look-up repeated, until its deadline:
/// an outage of the store is never answered with "not found" (docs/contract.md, section 4, item 7). Thread-safe.
/// </summary>
internal sealed class UnroutedHold(HoldLimiter limiter, StoreContact contact, LiveOptions options, GuardMetrics metrics, TimeProvider time)
{
    /// <summary>A delay below it is none, and would be repeated without a pause until the deadline has come.</summary>
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(1);

    /// <summary>The route, or why there is none.</summary>
    /// <param name="lookUp">One look-up; may throw <see cref="StoreUnavailableException"/>.</param>
    /// <param name="deadline">The request's.</param>
    /// <param name="clientGone">Fires when the client left.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async Task<Resolution> ResolveAsync(Func<CancellationToken, Task<Resolution>> lookUp, Deadline deadline, CancellationToken clientGone)
    {
        if (await TryLookUpAsync(lookUp, deadline, clientGone) is { } found)
        {
            return found;
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
            var resolution = await RepeatAsync(lookUp, deadline, clientGone);
            outcome = resolution.Route is null ? HoldOutcome.Unavailable : HoldOutcome.Ready;
            return resolution;
        }
        finally
        {
            limiter.ExitUnrouted();
            metrics.HoldEnded(outcome, time.GetElapsedTime(since));
        }
    }

    private async Task<Resolution> RepeatAsync(Func<CancellationToken, Task<Resolution>> lookUp, Deadline deadline, CancellationToken clientGone)
    {
        while (true)
        {
            var left = deadline.Left(time);
            if (left < ShortestDelay)
            {
                return GuardErrors.ServiceUnavailable(null, deadline.Waited(time));
            }

            var repair = options.Current.Readiness.RepairInterval;
            await PauseAsync(left < repair ? left : repair, clientGone);
            if (limiter.Closing.IsCancellationRequested)
            {
                return GuardErrors.ServiceUnavailable(null, deadline.Waited(time));
            }

            // The first look-up has found what there is in the cache; another is no use before the store is back.
            if (contact.IsUp && await TryLookUpAsync(lookUp, deadline, clientGone) is { } found)
            {
                return found;
            }
        }
    }

    /// <summary>Ends early, without a word, when this Guard ends.</summary>
    private async Task PauseAsync(TimeSpan pause, CancellationToken clientGone)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(clientGone, limiter.Closing);
        await Task.Delay(pause, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        clientGone.ThrowIfCancellationRequested();
    }

    /// <summary>One look-up, which the request's deadline ends however long the store takes; null when the store did not answer.</summary>
    private async ValueTask<Resolution?> TryLookUpAsync(
        Func<CancellationToken, Task<Resolution>> lookUp, Deadline deadline, CancellationToken clientGone)
    {
        try
        {
            return await lookUp(clientGone).WaitAsync(deadline.Left(time), time, clientGone);
        }
        catch (Exception e) when (e is StoreUnavailableException or TimeoutException)
        {
            return null;
        }
    }
}
