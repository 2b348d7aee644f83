using System.Collections.Concurrent;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>A store as one Guard reaches it.</summary>
internal sealed class LinkedActorStore(IActorStore store, StoreLink link) : IActorStore
{
    public ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken)
        => link.CallAsync(() => store.GetAsync(id, cancellationToken), cancellationToken);

    public ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.GetAsync(id, pool, cancellationToken), cancellationToken);

    public ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
        => link.CallAsync(() => store.FindAsync(@namespace, name, key, cancellationToken), cancellationToken);

    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken)
        => link.CallAsync(() => store.CreateAsync(actor, cancellationToken), cancellationToken);

    public ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListAsync(query, cancellationToken), cancellationToken);

    public ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
        => link.CallAsync(() => store.TryBeginStartAsync(request, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken)
        => link.RenewalBug is { } bug ? throw bug : link.CallAsync(() => store.RenewPendingAsync(pool, ids, cancellationToken), cancellationToken);

    public ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync(() => store.CommitReadyAsync(id, pool, generation, cancellationToken), cancellationToken);

    public ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
        => link.CallAsync(() => store.CommitStartFailedAsync(id, pool, generation, error, final, cancellationToken), cancellationToken);

    public ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync(() => store.CommitDisownedAsync(id, pool, generation, cancellationToken), cancellationToken);

    public ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync(() => store.CommitStoppedAsync(id, pool, generation, cancellationToken), cancellationToken);

    public ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ApplyEventAsync(runnerId, runnerEvent, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListStartingAsync(pool, olderThan, cancellationToken), cancellationToken);

    public ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken)
        => link.CallAsync(() => store.DestroyAsync(id, cancellationToken), cancellationToken);
}

/// <summary>What a keeper needs, as one Guard reaches it.</summary>
internal sealed class LinkedUpkeepStore(IPoolUpkeepStore store, StoreLink link) : IPoolUpkeepStore
{
    /// <summary>The pools that were swept, in order.</summary>
    public ConcurrentQueue<PoolId> Sweeps { get; } = new();

    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListPoolsAsync(cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken)
        => link.CallAsync(() => store.LeaseAsync(terms, cancellationToken), cancellationToken);

    public ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
    {
        Sweeps.Enqueue(terms.Pool);
        return link.CallAsync(() => store.SweepAsync(terms, cancellationToken), cancellationToken);
    }

    public ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
        => link.CallAsync(() => store.GetSilencesAsync(pools, cancellationToken), cancellationToken);

    public ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken)
        => link.CallAsync(() => store.PurgeAsync(pool, lease, cancellationToken), cancellationToken);

    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken)
        => link.CallAsync(() => store.EvictAsync(terms, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListStoppingAsync(pool, cancellationToken), cancellationToken);

    public async ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken)
        => await link.CallAsync(async () =>
        {
            await store.ReleaseAsync(guardId, cancellationToken);
            return true;
        }, cancellationToken);

    public async ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
        => await link.CallAsync(async () =>
        {
            await store.TellConnectAsync(pool, failure, wait, cancellationToken);
            return true;
        }, cancellationToken);

    public async ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken)
        => await link.CallAsync(async () =>
        {
            await store.TellActorAsync(actor, cancellationToken);
            return true;
        }, cancellationToken);
}

/// <summary>Runner-configs as one Guard reaches them.</summary>
internal sealed class LinkedPoolStore(IPoolStore store, StoreLink link) : IPoolStore
{
    public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
        => link.CallAsync(() => store.PutAsync(pool, config, cancellationToken), cancellationToken);

    public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
        => link.CallAsync(() => store.AddAsync(pool, config, cancellationToken), cancellationToken);

    public ValueTask<PoolConfig?> GetAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.GetAsync(pool, cancellationToken), cancellationToken);

    public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.DeleteAsync(pool, cancellationToken), cancellationToken);

    public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListAsync(query, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken)
        => link.CallAsync(() => store.ListNamespacesAsync(cancellationToken), cancellationToken);

    public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken)
        => link.CallAsync(() => store.NamespaceExistsAsync(@namespace, cancellationToken), cancellationToken);
}

/// <summary>Pool health as one Guard reaches it.</summary>
internal sealed class LinkedHealthStore(IPoolHealthStore store, StoreLink link) : IPoolHealthStore
{
    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ReadAsync(pool, cancellationToken), cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ReportErrorAsync(pool, error, cancellationToken), cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.ReportSuccessAsync(pool, cancellationToken), cancellationToken);

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
        => link.CallAsync(() => store.TryGrantProbeAsync(pool, interval, cancellationToken), cancellationToken);

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync(() => store.OpenProbeAsync(pool, cancellationToken), cancellationToken);

    public ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => link.CallAsync(() => store.EndProbeAsync(pool, probeId, success, cancellationToken), cancellationToken);
}

/// <summary>Liveness as one Guard reaches it; counts the questions.</summary>
internal sealed class LinkedLiveness(IGuardLiveness store, StoreLink link) : IGuardLiveness
{
    private int _asked;

    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Renewals wait for it.</summary>
    public Task MayRenew { get; set; } = Task.CompletedTask;

    public async ValueTask RenewAsync(string guardId, CancellationToken cancellationToken)
    {
        await MayRenew;
        await link.CallAsync(() => store.RenewAsync(guardId, cancellationToken), cancellationToken);
    }

    public ValueTask EndAsync(string guardId, CancellationToken cancellationToken)
        => link.CallAsync(() => store.EndAsync(guardId, cancellationToken), cancellationToken);

    public ValueTask<bool> IsAliveAsync(string guardId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return link.CallAsync(() => store.IsAliveAsync(guardId, cancellationToken), cancellationToken);
    }
}
