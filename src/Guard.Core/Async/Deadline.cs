namespace Guard.Core.Async;

/// <summary>
/// The one absolute deadline of a request. It is made at arrival and settled once, when the request's pool is known; holds, look-ups and
/// retries read the time left of the same one. Neither events nor reloaded options move it. Used by one flow at a time.
/// </summary>
/// <param name="arrival">Timestamp of the time provider.</param>
/// <param name="limit">From the arrival to the deadline, where the pool has no limit of its own.</param>
internal sealed class Deadline(long arrival, TimeSpan limit)
{
    private TimeSpan _limit = limit;
    private bool _isSettled;

    /// <summary>Timestamp of the time provider.</summary>
    public long Arrival => arrival;

    /// <summary>Takes the pool's own limit, where it has one. Only the first call counts.</summary>
    public void Settle(TimeSpan? own)
    {
        _limit = Within(own);
        _isSettled = true;
    }

    /// <summary>What is left of the time; zero from the deadline on.</summary>
    public TimeSpan Left(TimeProvider time) => Left(_limit, time);

    /// <summary>What would be left if it were settled now.</summary>
    public TimeSpan LeftWithin(TimeSpan? own, TimeProvider time) => Left(Within(own), time);

    /// <summary>Since the arrival.</summary>
    public TimeSpan Waited(TimeProvider time) => time.GetElapsedTime(arrival);

    /// <summary>The deadline as a timestamp.</summary>
    public long At(TimeProvider time) => After(arrival, _limit, time);

    /// <summary>The timestamp of a moment that lies so long after another one.</summary>
    public static long After(long timestamp, TimeSpan span, TimeProvider time) => timestamp + (long)(span.TotalSeconds * time.TimestampFrequency);

    private TimeSpan Within(TimeSpan? own) => _isSettled ? _limit : own ?? _limit;

    private TimeSpan Left(TimeSpan limit, TimeProvider time)
    {
        var left = limit - time.GetElapsedTime(arrival);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
