namespace Guard.Core.State.Serverless;

/// <summary>
/// How long a pool waits after a failed connect (docs/contract.md, section 8): 2 s × 2^n, n ≤ 8, of it half to all at random; n counts failures and
/// begins anew after 10 min without one. Connects that were under way together fail as one. Not thread-safe.
/// </summary>
/// <remarks>
/// After a failure one connect at a time is tried until one that was begun later succeeds: an endpoint that is broken, or lets no more in,
/// is asked once per step, not once per connection wanted. A success ends the wait; n stays.
/// </remarks>
internal sealed class ConnectBackoff(TimeProvider time, Random random)
{
    private static readonly TimeSpan Base = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(10);
    private const int MostDoublings = 8;

    private int _failures;
    private long _failedAt;
    private long _waitsSince;
    private TimeSpan _wait;

    /// <summary>The last connect that is known to have ended, failed, or its stream ended soon.</summary>
    public bool IsFailing { get; private set; }

    /// <summary>Until the next connect may be begun; zero when it may.</summary>
    public TimeSpan Left
    {
        get
        {
            var left = IsFailing ? _wait - time.GetElapsedTime(_waitsSince) : TimeSpan.Zero;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <param name="begun">When the connect was begun, a timestamp of the provider.</param>
    public void Failed(long begun)
    {
        if (IsKnown(begun))
        {
            return;
        }

        _failures = _failures > 0 && time.GetElapsedTime(_failedAt) < ResetAfter ? _failures + 1 : 1;
        _failedAt = time.GetTimestamp();
        Wait(_failures - 1);
    }

    /// <summary>
    /// The connect succeeded, and its stream ended soon: the next one waits a first step, and n stays. The pool is not red for that and so has no
    /// probes: with a wait that grew, requests would be held to their deadlines by an endpoint that works.
    /// </summary>
    /// <param name="begun">When the connect was begun.</param>
    public void EndedSoon(long begun)
    {
        if (!IsKnown(begun))
        {
            Wait(doublings: 0);
        }
    }

    /// <param name="begun">When the connect was begun: one that was under way when another failed proves nothing new.</param>
    public void Succeeded(long begun) => IsFailing &= begun <= _waitsSince;

    /// <summary>It was under way with one that has made the wait already.</summary>
    private bool IsKnown(long begun) => IsFailing && begun <= _waitsSince;

    private void Wait(int doublings)
    {
        _waitsSince = time.GetTimestamp();
        IsFailing = true;
        _wait = Base * Math.Pow(2, Math.Min(doublings, MostDoublings)) * (0.5 + (random.NextDouble() / 2));
    }
}
