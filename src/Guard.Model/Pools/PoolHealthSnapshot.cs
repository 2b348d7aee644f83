using Guard.Model.Ids;

namespace Guard.Model.Pools;

/// <summary>
/// A pool's health as of one version. Immutable. Versions of the same <see cref="Epoch"/> are ordered by <see cref="Seq"/>; versions
/// of different epochs are not comparable (the record was lost and made anew).
/// </summary>
/// <param name="Pool">The pool.</param>
/// <param name="Epoch">Random, made with the record; 0 means that no record exists.</param>
/// <param name="Seq">Rises with every accepted report, success or expiry.</param>
/// <param name="IsRed">Whether the pool is red.</param>
/// <param name="ActiveError">The last error while red, or the last one since the last success; null when there is none.</param>
/// <param name="ConsecutiveSuccesses">Successes since the last error, at most <c>SuccessesToClear</c>.</param>
/// <param name="RedSince">When the pool turned red, Unix ms; 0 while green.</param>
internal sealed record PoolHealthSnapshot(
    PoolId Pool,
    ulong Epoch,
    long Seq,
    bool IsRed,
    ActivePoolError? ActiveError,
    int ConsecutiveSuccesses,
    long RedSince)
{
    /// <summary>What is known of a pool nobody has reported on: green.</summary>
    public static PoolHealthSnapshot Unknown(PoolId pool) => new(pool, 0, 0, false, null, 0, 0);
}

/// <param name="Error">The error, cut to <c>PoolHealth:MaxErrorBytes</c>.</param>
/// <param name="Timestamp">When it was reported, Unix ms.</param>
/// <param name="Seq">The version it was accepted with: a later error has a higher one.</param>
internal sealed record ActivePoolError(PoolError Error, long Timestamp, long Seq);
