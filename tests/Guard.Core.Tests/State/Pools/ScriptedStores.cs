using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Pools;

/// <summary>A health store whose reads the test answers; it counts them.</summary>
internal sealed class ScriptedHealthStore : IPoolHealthStore
{
    private int _reads;

    public int Reads => Volatile.Read(ref _reads);

    public Func<PoolId, CancellationToken, ValueTask<PoolHealthSnapshot>> OnRead { get; set; } = (pool, _) => new(PoolHealthSnapshot.Unknown(pool));

    public void Answer(PoolHealthSnapshot health) => OnRead = (_, _) => new(health);

    public void Fail(Exception exception) => OnRead = (_, _) => ValueTask.FromException<PoolHealthSnapshot>(exception);

    /// <summary>The next reads wait until the result is completed.</summary>
    public TaskCompletionSource<PoolHealthSnapshot> Park()
    {
        var parked = new TaskCompletionSource<PoolHealthSnapshot>(TaskCreationOptions.RunContinuationsAsynchronously);
        OnRead = (_, _) => new(parked.Task);
        return parked;
    }

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        return OnRead(pool, cancellationToken);
    }

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken) => throw new NotSupportedException();
}

/// <summary>A pool store whose reads the test answers; it counts them.</summary>
internal sealed class ScriptedPoolStore : IPoolStore
{
    private int _reads;

    public int Reads => Volatile.Read(ref _reads);

    public Func<CancellationToken, ValueTask<PoolConfig?>> OnGet { get; set; } = _ => new((PoolConfig?)null);

    public void Answer(PoolGuardOverrides? overrides) => OnGet = _ => new(new PoolConfig { Guard = overrides });

    public ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reads);
        return OnGet(cancellationToken);
    }

    public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken) => throw new NotSupportedException();
}
