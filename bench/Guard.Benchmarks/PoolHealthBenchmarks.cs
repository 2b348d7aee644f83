using BenchmarkDotNet.Attributes;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Pools;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Storage.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Benchmarks;

/// <summary>What a request pays to know its pool's health and settings. Budget: the cached ones allocate 0 bytes.</summary>
[MemoryDiagnoser]
public class PoolHealthBenchmarks : IDisposable
{
    private static readonly TimeSpan Ttl = TimeSpan.FromHours(1);
    private readonly PoolId _pool = new("default", "lobby");
    private PoolHealthTracker _tracker = null!;
    private PoolSettingsSource _settings = null!;

    [GlobalSetup]
    public void Setup()
    {
        var options = new LiveOptions(new GuardOptions());
        var store = new MemoryPoolHealthStore(TimeProvider.System, options.StoreRules, static _ => { });
        _tracker = new PoolHealthTracker(store, options, TimeProvider.System, new GuardMetrics(options), NullLogger<PoolHealthTracker>.Instance);
        _settings = new PoolSettingsSource(new NoPools(), options, TimeProvider.System, NullLogger<PoolSettingsSource>.Instance);
        _tracker.Refresh(_pool, Ttl);
        _settings.Get(_pool);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _tracker.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public bool HealthCached() => _tracker.TryGetFresh(_pool, Ttl, out _);

    [Benchmark]
    public async ValueTask<bool> HealthCachedThroughReadAsync() => (await _tracker.ReadAsync(_pool, Ttl, CancellationToken.None)).IsRed;

    [Benchmark]
    public TimeSpan SettingsCached() => _settings.Get(_pool).PollInterval;

    [Benchmark]
    public async ValueTask<bool> HealthFromMemoryStore() => (await _tracker.ReadAsync(_pool, TimeSpan.Zero, CancellationToken.None)).IsRed;

    /// <summary>No pool has a runner-config.</summary>
    private sealed class NoPools : IPoolStore
    {
        public ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken) => new((PoolConfig?)null);

        public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
