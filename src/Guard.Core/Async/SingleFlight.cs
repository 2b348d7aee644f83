using System.Collections.Concurrent;

namespace Guard.Core.Async;

/// <summary>
/// One call at a time for each key: whoever asks while one is under way shares its outcome, a failure too. A call that failed is never kept:
/// whoever asks after its end begins the next. Thread-safe.
/// </summary>
/// <param name="keepsResults">Whether a result is shared after the call's end too, until <see cref="Forget"/>.</param>
/// <param name="comparer">Of keys.</param>
internal sealed class SingleFlight<TKey, TValue>(bool keepsResults = false, IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, Lazy<Task<TValue>>> _flights = new(comparer);

    /// <summary>Joins the call under way, or begins one. The call is everybody's: a caller that leaves ends its own wait only.</summary>
    /// <param name="key">What it is about.</param>
    /// <param name="call">The call; runs off the caller's stack.</param>
    /// <param name="state">Handed to <paramref name="call"/>, so that it need not capture.</param>
    public Task<TValue> RunAsync<TState>(TKey key, Func<TState, Task<TValue>> call, TState state)
        => _flights.GetOrAdd(key, static (key, s) => new(() => s.Self.FlyAsync(key, s.Call, s.State)), (Self: this, Call: call, State: state)).Value;

    /// <summary>Whoever asks from now on begins the next call.</summary>
    public void Forget(TKey key) => _flights.TryRemove(key, out _);

    private async Task<TValue> FlyAsync<TState>(TKey key, Func<TState, Task<TValue>> call, TState state)
    {
        // Off the caller's stack, which holds the lock of the flight; and the flight is in the table before it can end.
        await Task.Yield();
        var isKept = false;
        try
        {
            var value = await call(state);
            isKept = keepsResults;
            return value;
        }
        finally
        {
            if (!isKept)
            {
                Forget(key);
            }
        }
    }
}
