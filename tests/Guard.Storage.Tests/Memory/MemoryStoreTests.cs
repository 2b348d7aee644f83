using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Storage.Memory;

namespace Guard.Storage.Tests.Memory;

/// <summary>What only the embedded store promises: bounded memory, changes told outside its locks.</summary>
public sealed class MemoryStoreTests : IAsyncDisposable
{
    private static readonly PoolId Pool = new("default", "lobbies");
    private static readonly PoolSweepTerms Sweep = new(Pool, new("guard", 1), TimeSpan.MaxValue);
    private readonly MemoryStoreFixture _fixture = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private MemoryStore Store => _fixture.Store;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    private async Task<ActorRecord> AddActorAsync(string? key = null, string name = "lobby")
    {
        await Store.PutAsync(Pool, new PoolConfig(), Ct);
        return (await Store.CreateAsync(new(ActorId.New(1), Pool, name, key, CrashPolicy.Sleep, null), Ct)).Actor!;
    }

    private async Task<RunnerRecord> AddRunnerAsync(string key)
    {
        await Store.PutAsync(Pool, new PoolConfig(), Ct);
        return (await Store.RegisterAsync(new($"id-{key}", Pool, key, 1, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1), 10), Ct))!.Runner;
    }

    [Fact]
    public async Task Tombstones_AfterMoreThanAnHour_AreForgottenByTheNextPurge()
    {
        var actor = await AddActorAsync("k");
        var other = await AddActorAsync("other");
        var runner = await AddRunnerAsync("k");
        await Store.DestroyAsync(actor.Id, Ct);
        await Store.DeleteAsync(runner.RunnerId, Ct);
        await AddActorAsync("k");

        _fixture.Time.Advance(MemoryStore.TombstoneTtl + TimeSpan.FromSeconds(1));
        await Store.SweepAsync(Sweep, Ct);
        await Store.PurgeAsync(Pool, Sweep.Lease, Ct);

        Assert.Null(await Store.GetAsync(actor.Id, Ct));
        Assert.Null(await Store.GetAsync(runner.RunnerId, Ct));
        Assert.Equal(2, (await Store.ListAsync(new ActorQuery("default", null, "lobby", null, true, 1000, null), Ct)).Items.Count);
        Assert.Empty((await Store.ListAsync(new RunnerQuery("default", null, true, 1000, null), Ct)).Items);
        Assert.Equal(TransitionResult.NotFound, (await Store.CommitReadyAsync(actor.Id, Pool, 1, Ct)).Result);
        Assert.NotNull(await Store.FindAsync("default", "lobby", "k", Ct));
        Assert.NotNull(await Store.GetAsync(other.Id, Ct));
    }

    [Fact]
    public async Task Tombstones_NobodySweeps_LaterBurialsForgetThem()
    {
        var old = new List<ActorId>();
        for (var i = 0; i < 32; i++)
        {
            old.Add((await AddActorAsync($"{i}")).Id);
            await Store.DestroyAsync(old[i], Ct);
        }

        _fixture.Time.Advance(MemoryStore.TombstoneTtl + TimeSpan.FromSeconds(1));
        for (var i = 0; i < 2; i++)
        {
            await Store.DestroyAsync((await AddActorAsync()).Id, Ct);
        }

        foreach (var id in old)
        {
            Assert.Null(await Store.GetAsync(id, Ct));
        }
    }

    [Fact]
    public async Task Tombstones_ManyComeAndGo_ListsStayRight()
    {
        var live = new List<ActorId>();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 50; i++)
            {
                await Store.DestroyAsync((await AddActorAsync($"{i}")).Id, Ct);
            }

            live.Insert(0, (await AddActorAsync()).Id);
            _fixture.Time.Advance(MemoryStore.TombstoneTtl);
            await Store.SweepAsync(Sweep, Ct);
            await Store.PurgeAsync(Pool, Sweep.Lease, Ct);
        }

        var page = await Store.ListAsync(new ActorQuery("default", null, "lobby", null, false, 1000, null), Ct);
        Assert.Equal(live, page.Items.Select(a => a.Id));
        Assert.Null(page.Cursor);
    }

    [Fact]
    public async Task ListAsync_MoreThanAPageLooksAt_EmptyPageWithCursor()
    {
        var live = await AddActorAsync();
        for (var i = 0; i < CreationList<ActorEntry>.MaxScanned; i++)
        {
            await Store.DestroyAsync((await AddActorAsync()).Id, Ct);
        }

        var query = new ActorQuery("default", null, "lobby", null, false, 10, null);
        var first = await Store.ListAsync(query, Ct);
        var second = await Store.ListAsync(query with { Cursor = first.Cursor }, Ct);

        Assert.Empty(first.Items);
        Assert.NotNull(first.Cursor);
        Assert.Equal(live.Id, Assert.Single(second.Items).Id);
        Assert.Null(second.Cursor);
    }

    [Fact]
    public async Task Publish_SinkCallsTheStoreFromAnotherThread_NoLockIsHeld()
    {
        var actor = await AddActorAsync("k");
        var calls = 0;
        _fixture.OnActorChanged = id =>
        {
            // Would hang if the store published under a lock.
            Task.Run(async () =>
            {
                await Store.FindAsync("default", "lobby", "k", Ct);
                await Store.CommitReadyAsync(id, Pool, 99, Ct);
                await Store.CreateAsync(new(id, Pool, "lobby", null, CrashPolicy.Sleep, null), Ct);
            }, Ct).WaitAsync(TimeSpan.FromSeconds(10), Ct).GetAwaiter().GetResult();
            calls++;
        };

        var runner = await AddRunnerAsync("k");
        await Store.TryBeginStartAsync(new(actor.Id, Pool, "g", []), Ct);
        await Store.CommitReadyAsync(actor.Id, Pool, 1, Ct);
        await Store.DeleteAsync(runner.RunnerId, Ct);
        await Store.DestroyAsync(actor.Id, Ct);

        Assert.Equal(4, calls);
    }

    [Fact]
    public async Task SweepLostAsync_WallClockSetForward_LosesNobody()
    {
        // Only the clock of the records moves, not the timestamps.
        var time = new SettableWallClock();
        var fixture = new MemoryStoreFixture(time);
        await fixture.Store.PutAsync(Pool, new PoolConfig(), Ct);
        await fixture.Store.RegisterAsync(new("r", Pool, "k", 1, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1), 10), Ct);

        time.Offset = TimeSpan.FromDays(1);

        Assert.Empty((await fixture.Store.SweepAsync(Sweep with { LostAfter = TimeSpan.FromSeconds(15) }, Ct))!.Lost);
    }

    [Fact]
    public async Task CreateAsync_SameNameManyTimes_OneCopyOfTheName()
    {
        var first = await AddActorAsync(name: new string("lobby"));
        var second = await AddActorAsync(name: new string("lobby"));

        Assert.Same(first.Name, second.Name);
        Assert.Same(first.Pool, second.Pool);
    }

    private sealed class SettableWallClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;
    }
}
