using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

/// <summary>What the contract suites share: a store for each test, and the short way to the states they need.</summary>
public abstract class StoreContract : IAsyncLifetime
{
    private protected static readonly PoolId Pool = new("default", "lobbies");
    private int _runners;

    /// <summary>What <see cref="PutPoolAsync"/> writes.</summary>
    private protected PoolConfig Config { get; set; } = new();

    private protected StoreFixture Store { get; private set; } = null!;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected abstract StoreFixture NewStore();

    public async ValueTask InitializeAsync()
    {
        Store = NewStore();

        // A feed that comes over a network hears nothing before it is there.
        await Store.SettleAsync();
        Store.Feed.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
    }

    private protected async Task PutPoolAsync(PoolId? pool = null) => await Store.Pools.PutAsync(pool ?? Pool, Config, Ct);

    private protected NewRunner NewRunner(int slots = 10, string? key = null, int version = 1, PoolId? pool = null, bool isStatic = false)
    {
        var number = Interlocked.Increment(ref _runners);
        return new($"runner-{number}", pool ?? Pool, key ?? $"key-{number}", version, new RunnerLocation.Http($"http://127.0.0.1:{9000 + number}", RunnerProtocol.Http1), slots, isStatic);
    }

    /// <summary>A registered runner, in a pool that has a runner-config.</summary>
    private protected async Task<RunnerRecord> AddRunnerAsync(
        int slots = 10, string? key = null, int version = 1, PoolId? pool = null, bool isStatic = false)
    {
        await PutPoolAsync(pool);
        return (await Store.Runners.RegisterAsync(NewRunner(slots, key, version, pool, isStatic), Ct))!.Runner;
    }

    private protected static NewActor NewActor(
        string? key = null, string name = "lobby", CrashPolicy policy = CrashPolicy.Sleep, PoolId? pool = null, ActorId? id = null)
        => new(id ?? ActorId.New(1), pool ?? Pool, name, key, policy, null);

    /// <summary>A new sleeping actor, in a pool that has a runner-config.</summary>
    private protected async Task<ActorRecord> AddActorAsync(
        string? key = null, string name = "lobby", CrashPolicy policy = CrashPolicy.Sleep, PoolId? pool = null)
    {
        await PutPoolAsync(pool);
        var result = await Store.Actors.CreateAsync(NewActor(key, name, policy, pool), Ct);
        Assert.Equal(CreateActorStatus.Created, result.Status);
        return result.Actor!;
    }

    private protected ValueTask<StartGrant> BeginAsync(ActorRecord actor, long? takeOver = null, params string[] exclude)
        => Store.Actors.TryBeginStartAsync(new(actor.Id, actor.Pool, "guard-1", exclude, takeOver), Ct);

    private protected async Task<ActorRecord> AddStartingAsync(CrashPolicy policy = CrashPolicy.Sleep, PoolId? pool = null)
    {
        var grant = await BeginAsync(await AddActorAsync(policy: policy, pool: pool));
        Assert.Equal(StartGrantStatus.Granted, grant.Status);
        return grant.Actor!;
    }

    private protected async Task<ActorRecord> AddReadyAsync(CrashPolicy policy = CrashPolicy.Sleep, PoolId? pool = null)
    {
        var actor = await AddStartingAsync(policy, pool);
        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(actor.Id, actor.Pool, actor.Generation, Ct)).Result);
        return await GetAsync(actor);
    }

    private protected async Task<ActorRecord> GetAsync(ActorRecord actor) => (await Store.Actors.GetAsync(actor.Id, Ct))!;

    private protected async Task<RunnerRecord> GetAsync(RunnerRecord runner) => (await Store.Runners.GetAsync(runner.RunnerId, Ct))!;

    private protected ValueTask<RunnerEventResult> TellAsync(ActorRecord actor, RunnerEventKind kind, string? message = null)
        => Store.Actors.ApplyEventAsync(actor.Runner!.RunnerId, new(actor.Id, actor.Generation, kind, message), Ct);

    /// <summary>Runs the same call from many threads at once.</summary>
    private protected static async Task<T[]> RaceAsync<T>(int callers, Func<int, Task<T>> call)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Enumerable.Range(0, callers).Select(async i =>
        {
            await start.Task;
            return await call(i);
        }).ToArray();
        start.SetResult();
        return await Task.WhenAll(all).WaitAsync(TimeSpan.FromSeconds(10), Ct);
    }
}
