using System.Collections.Concurrent;
using Guard.Model.Stores;

namespace Guard.Storage.Memory;

/// <summary>Liveness among the users of one <see cref="MemoryStore"/>: in a process, the one Guard; in simulations, several. Thread-safe.</summary>
internal sealed class MemoryGuardLiveness(TimeProvider time) : IGuardLiveness
{
    private readonly ConcurrentDictionary<string, long> _renewed = new();

    /// <inheritdoc/>
    public ValueTask RenewAsync(string guardId, CancellationToken cancellationToken)
    {
        _renewed[guardId] = time.GetTimestamp();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(string guardId, CancellationToken cancellationToken)
    {
        _renewed.TryRemove(guardId, out _);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsAliveAsync(string guardId, CancellationToken cancellationToken)
        => new(_renewed.TryGetValue(guardId, out var at) && time.GetElapsedTime(at) < IGuardLiveness.Ttl);
}
