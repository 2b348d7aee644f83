namespace Guard.Simulation.Engine;

/// <summary>What becomes of one call from process to process.</summary>
/// <param name="There">How long the request takes.</param>
/// <param name="Back">How long the reply takes.</param>
/// <param name="RequestLost">It never arrives.</param>
/// <param name="ReplyLost">It arrives and is carried out, and nobody hears of it.</param>
internal readonly record struct Fate(TimeSpan There, TimeSpan Back, bool RequestLost = false, bool ReplyLost = false);

/// <summary>Calls from one process to another. A call whose target dies breaks; one that is lost ends only by its caller's patience.</summary>
internal static class Wire
{
    /// <summary>Completes in the caller's process.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="target">Who is asked.</param>
    /// <param name="fate">What becomes of it.</param>
    /// <param name="handle">What the target does, in its own process.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="IOException">The target died meanwhile.</exception>
    /// <exception cref="OperationCanceledException">The caller waits no more.</exception>
    public static async Task<T> CallAsync<T>(
        SimProcess caller, SimProcess target, Fate fate, Func<ValueTask<T>> handle, CancellationToken cancellationToken)
    {
        var reply = new TaskCompletionSource<T>();
        using var leave = cancellationToken.UnsafeRegister(static (reply, token) => ((TaskCompletionSource<T>)reply!).TrySetCanceled(token), reply);
        if (!fate.RequestLost)
        {
            target.After(fate.There, () => _ = ServeAsync(caller, target, fate, handle, reply));
        }

        return await reply.Task;
    }

    private static async Task ServeAsync<T>(
        SimProcess caller, SimProcess target, Fate fate, Func<ValueTask<T>> handle, TaskCompletionSource<T> reply)
    {
        var broken = target.OnKilled(() => caller.After(fate.Back, () => reply.TrySetException(new IOException("connection reset"))));
        try
        {
            var result = await handle();
            if (!fate.ReplyLost)
            {
                caller.After(fate.Back, () => reply.TrySetResult(result));
            }
        }
        catch (Exception e)
        {
            caller.After(fate.Back, () => reply.TrySetException(e));
        }
        finally
        {
            target.Forget(broken);
        }
    }
}
