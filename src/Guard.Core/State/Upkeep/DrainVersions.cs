using Guard.Core.Options;
using Guard.Core.State.Runners;

namespace Guard.Core.State.Upkeep;

/// <summary>Tells of runners that drain by version since the sweep. While one of several versions is silent, the next heartbeat may change who
/// drains, and no event says so: then the pool is looked at in every period.</summary>
internal sealed class DrainVersions(RunnerInbox inbox, LiveOptions options) : IPoolJob
{
    /// <inheritdoc/>
    public ValueTask<TimeSpan> RunAsync(PoolLook look, CancellationToken cancellationToken)
    {
        inbox.DrainedByVersion(look.Pool, look.Sweep.DrainedByVersion);
        return new(look.Sweep.HasVersions && look.Sweep.Silence >= options.Current.Runners.EligibleAfter ? look.Period : TimeSpan.MaxValue);
    }
}
