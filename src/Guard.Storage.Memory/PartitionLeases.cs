using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>Which Guard keeps which partition of the pools: what <c>upkeep_lease.lua</c> does in Redis. Times are timestamps of the provider.
/// Thread-safe.</summary>
internal sealed class PartitionLeases(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _asking = [];
    private readonly (string? GuardId, long Epoch, long Until)[] _leases = new (string?, long, long)[UpkeepPartition.Count];

    /// <summary>See <see cref="IPoolUpkeepStore.LeaseAsync"/>.</summary>
    public IReadOnlyList<PartitionLease> Lease(LeaseTerms terms)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var until = now + (long)(terms.Ttl.TotalSeconds * time.TimestampFrequency);
            var share = Share(terms, now, until);
            var held = new List<PartitionLease>();
            var free = new List<int>();
            for (var partition = 0; partition < _leases.Length; partition++)
            {
                var (guard, epoch, end) = _leases[partition];
                if (guard is null || now >= end)
                {
                    free.Add(partition);
                }
                else if (guard == terms.GuardId)
                {
                    var isKept = held.Count < share;
                    _leases[partition] = isKept ? (guard, epoch, until) : (null, epoch, 0);
                    if (isKept)
                    {
                        held.Add(new(partition, epoch));
                    }
                }
            }

            foreach (var partition in free.Take(share - held.Count))
            {
                var epoch = _leases[partition].Epoch + 1;
                _leases[partition] = (terms.GuardId, epoch, until);
                held.Add(new(partition, epoch));
            }

            return held;
        }
    }

    /// <summary>See <see cref="IPoolUpkeepStore.ReleaseAsync"/>.</summary>
    public void Release(string guardId)
    {
        lock (_gate)
        {
            _asking.Remove(guardId);
            for (var partition = 0; partition < _leases.Length; partition++)
            {
                if (_leases[partition].GuardId == guardId)
                {
                    _leases[partition] = (null, _leases[partition].Epoch, 0);
                }
            }
        }
    }

    private int Share(LeaseTerms terms, long now, long until)
    {
        foreach (var (guard, end) in _asking)
        {
            if (now >= end)
            {
                _asking.Remove(guard);
            }
        }

        _asking.Remove(terms.GuardId);
        var others = _asking.Count;
        if (terms.IsLeaving)
        {
            return others > 0 ? 0 : _leases.Length;
        }

        _asking[terms.GuardId] = until;
        return (_leases.Length + others) / (others + 1);
    }
}
