using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Core.State.Pools;

/// <summary>What <see cref="PoolSettingsSource"/> knows of one pool. Settings are read without the lock; what is written is written under
/// <see cref="Gate"/>.</summary>
internal sealed class PoolSettingsEntry(PoolId pool, GuardOptions options)
{
    private volatile PoolSettings _settings = PoolSettings.Resolve(null, options);
    private volatile int _version = 1;
    private volatile int _loadedVersion;

    public Lock Gate { get; } = new();

    public PoolId Pool { get; } = pool;

    public PoolGuardOverrides? Overrides { get; set; }

    public TaskCompletionSource? Load { get; set; }

    /// <summary>Timestamp of the last failed read since the last that succeeded.</summary>
    public long? FailedAt { get; set; }

    public PoolSettings Settings
    {
        get => _settings;
        set => _settings = value;
    }

    /// <summary>Raised when what was read can no longer be relied on.</summary>
    public int Version => _version;

    public int LoadedVersion
    {
        set => _loadedVersion = value;
    }

    public bool IsCurrent => _loadedVersion == _version;

    public void Invalidate()
    {
        lock (Gate)
        {
            _version++;
            FailedAt = null;
        }
    }
}
