using Guard.Core.Options;
using Guard.Model.Pools;

namespace Guard.Core.State.Pools;

/// <summary>The times that hold for one pool: its own where its runner-config has them, else the options. Immutable, compared by value.</summary>
/// <param name="CheckDelay">How long a hold lasts before pool errors can end it.</param>
/// <param name="PollInterval">How often the pool's health is read while requests wait.</param>
/// <param name="CacheTtl">How long a read of its health is reused.</param>
/// <param name="ReadyTimeout">From a request's arrival to its deadline; null where the option holds as it stood at the arrival.</param>
/// <param name="InitTimeout">How long a serverless connect may take to its init.</param>
internal sealed record PoolSettings(TimeSpan CheckDelay, TimeSpan PollInterval, TimeSpan CacheTtl, TimeSpan? ReadyTimeout, TimeSpan InitTimeout)
{
    private static readonly TimeSpan DefaultInitTimeout = TimeSpan.FromSeconds(10);

    public static PoolSettings Resolve(PoolGuardOverrides? overrides, GuardOptions options) => new(
        OrElse(overrides?.CheckDelayMs, options.FailFast.CheckDelay),
        OrElse(overrides?.PollIntervalMs, options.FailFast.PollInterval),
        OrElse(overrides?.CacheTtlMs, options.FailFast.CacheTtl),
        overrides?.ReadyTimeoutMs is { } readyTimeout ? TimeSpan.FromMilliseconds(readyTimeout) : null,
        OrElse(overrides?.InitTimeoutMs, DefaultInitTimeout));

    private static TimeSpan OrElse(int? milliseconds, TimeSpan option)
        => milliseconds is { } value ? TimeSpan.FromMilliseconds(value) : option;
}
