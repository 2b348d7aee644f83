namespace Guard.Core.State.Upkeep;

/// <summary>How many actors of a pool may be told to stop now: a bucket that fills at <c>actor_eviction_rate</c> and holds what one second
/// brings. Used by one thread.</summary>
internal sealed class EvictionPace
{
    private double _credit;
    private long _since;
    private bool _isRunning;

    /// <summary>What may be taken now.</summary>
    /// <param name="rate">Actors per second.</param>
    /// <param name="time">The clock.</param>
    public int Available(int rate, TimeProvider time)
    {
        var now = time.GetTimestamp();
        _credit = _isRunning ? Math.Min(rate, _credit + (time.GetElapsedTime(_since, now).TotalSeconds * rate)) : 1;
        _since = now;
        _isRunning = true;
        return (int)_credit;
    }

    public void Take(int count) => _credit -= count;

    /// <summary>Nothing is left to be told: the next drain begins anew.</summary>
    public void Rest() => _isRunning = false;
}
