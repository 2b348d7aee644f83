using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Simulation.Model;

/// <summary>The store as one Guard has it: every call goes over its link. What the store grants is shown to the checks as it is granted.</summary>
internal sealed class GuardStore(World world, StoreLink link) : IActorStore, IRunnerStore, IPoolStore, IPoolUpkeepStore, IPoolHealthStore, IGuardLiveness
{
    private readonly StoreModel _model = world.Store;

    public ValueTask<ActorRecord?> GetAsync(ActorId id, CancellationToken cancellationToken)
        => link.CallAsync("get actor", () => _model.Actors.GetAsync(id, default), cancellationToken);

    public ValueTask<ActorRecord?> GetAsync(ActorId id, PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("get actor", () => _model.Actors.GetAsync(id, pool, default), cancellationToken);

    public ValueTask<ActorRecord?> FindAsync(string @namespace, string name, string key, CancellationToken cancellationToken)
        => link.CallAsync("find actor", () => _model.Actors.FindAsync(@namespace, name, key, default), cancellationToken);

    public ValueTask<CreateActorResult> CreateAsync(NewActor actor, CancellationToken cancellationToken)
    {
        // Ids that count, in place of the random one: see SimIds.
        var numbered = actor with { Id = world.NewActorId() };
        return link.CallAsync("create actor", () => _model.Actors.CreateAsync(numbered, default), cancellationToken);
    }

    public ValueTask<Page<ActorRecord>> ListAsync(ActorQuery query, CancellationToken cancellationToken)
        => link.CallAsync("list actors", () => _model.Actors.ListAsync(query, default), cancellationToken);

    public ValueTask<StartGrant> TryBeginStartAsync(StartRequest request, CancellationToken cancellationToken)
        => link.CallAsync("begin start", async () =>
        {
            var grant = await _model.Actors.TryBeginStartAsync(request, default);
            world.Checks.StartDecided(request, grant);
            return grant;
        }, cancellationToken);

    public ValueTask<IReadOnlySet<ActorId>> RenewPendingAsync(PoolId pool, IReadOnlyCollection<ActorId> ids, CancellationToken cancellationToken)
        => link.CallAsync("renew pending", () => _model.Actors.RenewPendingAsync(pool, ids, default), cancellationToken);

    public ValueTask<ReadyCommit> CommitReadyAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync("commit ready", () => _model.Actors.CommitReadyAsync(id, pool, generation, default), cancellationToken);

    public ValueTask<TransitionResult> CommitStartFailedAsync(
        ActorId id, PoolId pool, long generation, ActorError error, bool final, CancellationToken cancellationToken)
        => link.CallAsync("commit failed", () => _model.Actors.CommitStartFailedAsync(id, pool, generation, error, final, default), cancellationToken);

    public ValueTask<TransitionResult> CommitDisownedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync("commit disowned", () => _model.Actors.CommitDisownedAsync(id, pool, generation, default), cancellationToken);

    public ValueTask<RunnerEventResult> ApplyEventAsync(string runnerId, RunnerEvent runnerEvent, CancellationToken cancellationToken)
        => link.CallAsync("apply event", () => _model.Actors.ApplyEventAsync(runnerId, runnerEvent, default), cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStartingAsync(PoolId pool, TimeSpan olderThan, CancellationToken cancellationToken)
        => link.CallAsync("list starting", () => _model.Actors.ListStartingAsync(pool, olderThan, default), cancellationToken);

    public ValueTask<ActorRecord?> DestroyAsync(ActorId id, CancellationToken cancellationToken)
        => link.CallAsync("destroy", () => _model.Actors.DestroyAsync(id, default), cancellationToken);

    public ValueTask<RunnerRegistration?> RegisterAsync(NewRunner runner, CancellationToken cancellationToken)
        => link.CallAsync("register", () => _model.Runners.RegisterAsync(runner, default), cancellationToken);

    public ValueTask<HeartbeatResult?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken)
        => link.CallAsync("heartbeat", () => _model.Runners.HeartbeatAsync(runnerId, default), cancellationToken);

    public ValueTask<IReadOnlyList<StreamState>> BeatAsync(IReadOnlyList<StreamBeat> beats, CancellationToken cancellationToken)
        => link.CallAsync("beat", () => _model.Runners.BeatAsync(beats, default), cancellationToken);

    public ValueTask<bool> DrainAsync(string runnerId, CancellationToken cancellationToken)
        => link.CallAsync("drain", () => _model.Runners.DrainAsync(runnerId, default), cancellationToken);

    public ValueTask<bool> DeleteAsync(string runnerId, CancellationToken cancellationToken)
        => link.CallAsync("delete runner", () => _model.Runners.DeleteAsync(runnerId, default), cancellationToken);

    ValueTask<RunnerRecord?> IRunnerStore.GetAsync(string runnerId, CancellationToken cancellationToken)
        => link.CallAsync("get runner", () => _model.Runners.GetAsync(runnerId, default), cancellationToken);

    public ValueTask<Page<RunnerRecord>> ListAsync(RunnerQuery query, CancellationToken cancellationToken)
        => link.CallAsync("list runners", () => _model.Runners.ListAsync(query, default), cancellationToken);

    public ValueTask<RunnerActors?> GetActorsAsync(string runnerId, CancellationToken cancellationToken)
        => link.CallAsync("get actors of runner", () => _model.Runners.GetActorsAsync(runnerId, default), cancellationToken);

    public ValueTask<IReadOnlyList<PoolId>> ListPoolsAsync(CancellationToken cancellationToken)
        => link.CallAsync("list all pools", () => _model.Upkeep.ListPoolsAsync(default), cancellationToken);

    public ValueTask<PoolSweep?> SweepAsync(PoolSweepTerms terms, CancellationToken cancellationToken)
        => link.CallAsync("sweep", () => _model.Upkeep.SweepAsync(terms, default), cancellationToken);

    public ValueTask<IReadOnlyList<PartitionLease>> LeaseAsync(LeaseTerms terms, CancellationToken cancellationToken)
        => link.CallAsync("lease", () => _model.Upkeep.LeaseAsync(terms, default), cancellationToken);

    public ValueTask<IReadOnlyList<TimeSpan?>> GetSilencesAsync(IReadOnlyList<PoolId> pools, CancellationToken cancellationToken)
        => link.CallAsync("silences", () => _model.Upkeep.GetSilencesAsync(pools, default), cancellationToken);

    public ValueTask<bool> PurgeAsync(PoolId pool, UpkeepLease lease, CancellationToken cancellationToken)
        => link.CallAsync("purge", () => _model.Upkeep.PurgeAsync(pool, lease, default), cancellationToken);

    public async ValueTask ReleaseAsync(string guardId, CancellationToken cancellationToken)
        => await link.CallAsync("release", async () =>
        {
            await _model.Upkeep.ReleaseAsync(guardId, default);
            return true;
        }, cancellationToken);

    public async ValueTask TellConnectAsync(PoolId pool, PoolErrorKind? failure, TimeSpan wait, CancellationToken cancellationToken)
        => await link.CallAsync("tell connect", async () =>
        {
            await _model.Upkeep.TellConnectAsync(pool, failure, wait, default);
            return true;
        }, cancellationToken);

    public async ValueTask TellActorAsync(ActorRecord actor, CancellationToken cancellationToken)
        => await link.CallAsync("tell actor", async () =>
        {
            await _model.Upkeep.TellActorAsync(actor, default);
            return true;
        }, cancellationToken);

    public ValueTask<Eviction> EvictAsync(EvictionTerms terms, CancellationToken cancellationToken)
        => link.CallAsync("evict", () => _model.Upkeep.EvictAsync(terms, default), cancellationToken);

    public ValueTask<IReadOnlyList<ActorRecord>> ListStoppingAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("list stopping", () => _model.Upkeep.ListStoppingAsync(pool, default), cancellationToken);

    public ValueTask<TransitionResult> CommitStoppedAsync(ActorId id, PoolId pool, long generation, CancellationToken cancellationToken)
        => link.CallAsync("commit stopped", () => _model.Actors.CommitStoppedAsync(id, pool, generation, default), cancellationToken);

    public ValueTask<bool> PutAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
        => link.CallAsync("put pool", () => _model.Pools.PutAsync(pool, config, default), cancellationToken);

    public ValueTask<bool> AddAsync(PoolId pool, PoolConfig config, CancellationToken cancellationToken)
        => link.CallAsync("add pool", () => _model.Pools.AddAsync(pool, config, default), cancellationToken);

    ValueTask<PoolConfig?> IPoolStore.GetAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("get pool", () => _model.Pools.GetAsync(pool, default), cancellationToken);

    public ValueTask<bool> DeleteAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("delete pool", () => _model.Pools.DeleteAsync(pool, default), cancellationToken);

    public ValueTask<Page<PoolEntry>> ListAsync(PoolQuery query, CancellationToken cancellationToken)
        => link.CallAsync("list pools", () => _model.Pools.ListAsync(query, default), cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken)
        => link.CallAsync("list namespaces", () => _model.Pools.ListNamespacesAsync(default), cancellationToken);

    public ValueTask<bool> NamespaceExistsAsync(string @namespace, CancellationToken cancellationToken)
        => link.CallAsync("namespace exists", () => _model.Pools.NamespaceExistsAsync(@namespace, default), cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReadAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("read health", () => _model.Health.ReadAsync(pool, default), cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportErrorAsync(PoolId pool, PoolError error, CancellationToken cancellationToken)
        => link.CallAsync("report error", () =>
        {
            world.Checks.ErrorReported();
            return _model.Health.ReportErrorAsync(pool, error, default);
        }, cancellationToken);

    public ValueTask<PoolHealthSnapshot> ReportSuccessAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("report success", () => _model.Health.ReportSuccessAsync(pool, default), cancellationToken);

    public ValueTask<ProbeGrant> TryGrantProbeAsync(PoolId pool, TimeSpan interval, CancellationToken cancellationToken)
        => link.CallAsync("grant probe", async () =>
        {
            var grant = await _model.Health.TryGrantProbeAsync(pool, interval, default);
            world.Checks.ProbeDecided(grant, interval);
            return grant;
        }, cancellationToken);

    public ValueTask<long> OpenProbeAsync(PoolId pool, CancellationToken cancellationToken)
        => link.CallAsync("open probe", () => _model.Health.OpenProbeAsync(pool, default), cancellationToken);

    public async ValueTask EndProbeAsync(PoolId pool, long probeId, bool success, CancellationToken cancellationToken)
        => await link.CallAsync("end probe", async () =>
        {
            world.Checks.ProbeEnded(probeId, success);
            await _model.Health.EndProbeAsync(pool, probeId, success, default);
            return true;
        }, cancellationToken);

    public async ValueTask RenewAsync(string guardId, CancellationToken cancellationToken)
        => await link.CallAsync("renew", async () =>
        {
            await _model.Liveness.RenewAsync(guardId, default);
            return true;
        }, cancellationToken);

    public async ValueTask EndAsync(string guardId, CancellationToken cancellationToken)
        => await link.CallAsync("end liveness", async () =>
        {
            await _model.Liveness.EndAsync(guardId, default);
            return true;
        }, cancellationToken);

    public ValueTask<bool> IsAliveAsync(string guardId, CancellationToken cancellationToken)
        => link.CallAsync("is alive", () => _model.Liveness.IsAliveAsync(guardId, default), cancellationToken);
}
