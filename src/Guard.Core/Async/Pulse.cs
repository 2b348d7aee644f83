namespace Guard.Core.Async;

/// <summary>
/// Wakes one loop that re-reads its state each time it returns from <see cref="WaitAsync"/>. Any number of <see cref="Set"/> before that
/// count as one. <see cref="Set"/> is thread-safe; only one caller may wait.
/// </summary>
internal sealed class Pulse(TimeProvider time)
{
    private TaskCompletionSource _next = New();

    public void Set() => Volatile.Read(ref _next).TrySetResult();

    /// <summary>Returns after a pulse, the timeout or the cancellation, whichever is first; never throws.</summary>
    public async ValueTask WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        // Timer and cancellation set the same source as a pulse does: with WaitAsync the loop would go on by way of the thread pool
        // instead of where it runs.
        var next = _next;
        using (time.CreateTimer(static next => ((TaskCompletionSource)next!).TrySetResult(), next, timeout, Timeout.InfiniteTimeSpan))
        using (cancellationToken.UnsafeRegister(static next => ((TaskCompletionSource)next!).TrySetResult(), next))
        {
            await next.Task;
        }

        // A pulse set between the two is not lost: the caller re-reads after this returns.
        Volatile.Write(ref _next, New());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
