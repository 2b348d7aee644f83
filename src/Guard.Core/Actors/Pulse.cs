namespace Guard.Core.Actors;

/// <summary>
/// Wakes one loop that re-reads its state each time it returns from <see cref="WaitAsync"/>. Any number of <see cref="Set"/> before that
/// count as one. <see cref="Set"/> is thread-safe; only one caller may wait.
/// </summary>
internal sealed class Pulse(TimeProvider time)
{
    private TaskCompletionSource<bool> _next = New();

    public void Set() => Volatile.Read(ref _next).TrySetResult(true);

    /// <summary>Returns after a pulse, the timeout or the cancellation, whichever is first; never throws.</summary>
    public async ValueTask WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        Task next = _next.Task;
        await next.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (next.IsCompleted)
        {
            // A pulse set between these two lines is not lost: the caller re-reads after this returns.
            Volatile.Write(ref _next, New());
        }
    }

    private static TaskCompletionSource<bool> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
