using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>
/// One Guard's way to a store that others share: up, or away in one of the ways stores are. A Guard that is killed or paused is one whose
/// calls go nowhere. Calls under way when it changes go on. Thread-safe.
/// </summary>
internal sealed class StoreLink(TimeProvider time)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(1);

    private volatile Func<CancellationToken, ValueTask> _pass = static _ => default;
    private int _calls;

    /// <summary>Told whether the store answers, as the provider of a real one is.</summary>
    public StoreContact Contact { get; } = new();

    /// <summary>Calls made so far, answered or not.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Thrown by each renewal of pending actors, which are not made then: a bug on the way to the store.</summary>
    public Exception? RenewalBug { get; set; }

    public void Up()
    {
        _pass = static _ => default;
        Contact.Set(isUp: true);
    }

    /// <summary>Every call is answered, and none at once.</summary>
    public void Yield() => _pass = static async _ => await Task.Yield();

    /// <summary>Every call fails at once.</summary>
    public void Refuse() => _pass = static _ => throw new StoreUnavailableException("refused");

    /// <summary>Every call fails after its deadline of 1 s.</summary>
    public void Hang() => _pass = async cancellationToken =>
    {
        await Task.Delay(CallTimeout, time, cancellationToken);
        throw new StoreUnavailableException("no answer");
    };

    /// <summary>No call ever comes back, with whatever result, before the task returned is completed: a process that is paused, or killed.</summary>
    public TaskCompletionSource Pause()
    {
        var resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _pass = async _ => await resumed.Task;
        return resumed;
    }

    public async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        await _pass(cancellationToken);
        return await call();
    }

    public async ValueTask CallAsync(Func<ValueTask> call, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        await _pass(cancellationToken);
        await call();
    }
}
