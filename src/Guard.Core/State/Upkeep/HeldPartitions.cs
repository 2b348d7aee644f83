using Guard.Core.State.Membership;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Core.State.Upkeep;

/// <summary>The partitions of pools whose lease this Guard holds, and since when in unbroken contact with the store. Used by one thread.</summary>
internal sealed class HeldPartitions(GuardIdentity identity, TimeProvider time)
{
    private readonly (long Epoch, long? Since)[] _held = new (long, long?)[UpkeepPartition.Count];

    /// <summary>By what right this Guard looks at a pool; null when it does not.</summary>
    public UpkeepLease? LeaseOf(PoolId pool) => _held[UpkeepPartition.Of(pool)] is { Epoch: not 0 } held ? new(identity.Id, held.Epoch) : null;

    /// <summary>Until a silent runner of the pool may be declared lost: silence counts only while it could have been heard.</summary>
    public TimeSpan UntilMayLose(PoolId pool, TimeSpan lostAfter, long now)
        => _held[UpkeepPartition.Of(pool)].Since is not { } since ? lostAfter
            : lostAfter - time.GetElapsedTime(since, now) is var left && left > TimeSpan.Zero ? left
            : TimeSpan.Zero;

    /// <summary>Takes in what the store said; whether a partition was taken, and whether one was lost.</summary>
    /// <param name="leases">All that are held.</param>
    /// <param name="asked">When the store was asked, a timestamp of the provider.</param>
    public (bool HasTaken, bool HasLost) Update(IReadOnlyList<PartitionLease> leases, long asked)
    {
        var epochs = new long[UpkeepPartition.Count];
        foreach (var lease in leases)
        {
            epochs[lease.Partition] = lease.Epoch;
        }

        var (hasTaken, hasLost) = (false, false);
        for (var i = 0; i < epochs.Length; i++)
        {
            var (epoch, since) = _held[i];
            hasTaken |= epochs[i] != 0 && epochs[i] != epoch;
            hasLost |= epochs[i] == 0 && epoch != 0;
            _held[i] = (epochs[i], epochs[i] == 0 ? null : epochs[i] == epoch && since is not null ? since : asked);
        }

        return (hasTaken, hasLost);
    }

    /// <summary>Heartbeats may not have come through: silence counts anew.</summary>
    public void ContactLost()
    {
        for (var i = 0; i < _held.Length; i++)
        {
            _held[i].Since = null;
        }
    }
}
