using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

public abstract partial class RunnerStoreContract
{
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task DeleteAsync_UnknownOrAgain_False()
    {
        var runner = await AddRunnerAsync();

        Assert.True(await Store.Runners.DeleteAsync(runner.RunnerId, Ct));
        Assert.False(await Store.Runners.DeleteAsync(runner.RunnerId, Ct));
        Assert.False(await Store.Runners.DeleteAsync("nobody", Ct));
    }

    [Fact]
    public async Task DeleteAsync_WithActors_EachFollowsItsPolicy()
    {
        var runner = await AddRunnerAsync();
        var sleep = await AddReadyAsync();
        var restart = await AddReadyAsync(CrashPolicy.Restart);
        var destroy = await AddReadyAsync(CrashPolicy.Destroy);
        var starting = await AddStartingAsync(CrashPolicy.Destroy);
        var untouched = await AddActorAsync();
        await Store.SettleAsync();
        Store.Feed.Clear();

        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        var error = new ActorError(ActorErrorKind.RunnerConnectionLost, runner.RunnerId);
        Assert.Equal((ActorState.Crashed, error), ((await GetAsync(sleep)).State, (await GetAsync(sleep)).Error));
        Assert.Equal((ActorState.Crashed, error), ((await GetAsync(restart)).State, (await GetAsync(restart)).Error));
        Assert.True((await GetAsync(restart)).RescheduleTs > 0);
        Assert.Equal((ActorState.Destroyed, error), ((await GetAsync(destroy)).State, (await GetAsync(destroy)).Error));

        // That start has failed; another runner may be tried.
        Assert.Equal((ActorState.Sleeping, null), ((await GetAsync(starting)).State, (await GetAsync(starting)).Error));
        Assert.Equal(TransitionResult.Stale, await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct));
        Assert.Equal(untouched.Revision, (await GetAsync(untouched)).Revision);
        await Store.SettleAsync();
        Assert.Equal(4, Store.Feed.Actors.Select(a => a.Id).Distinct().Count());
        Assert.Equal(0, Store.Feed.Capacity(Pool));
    }

    [Fact]
    public async Task DeleteAsync_WithActors_TheVersionOfItsActorsStandsStill()
    {
        var runner = await AddRunnerAsync();
        await AddReadyAsync();
        await AddReadyAsync();
        var before = (await GetAsync(runner)).ActorsVersion;

        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        Assert.Equal(before, (await GetAsync(runner)).ActorsVersion);
    }

    [Fact]
    public async Task DeleteAsync_SlotsGoWithIt()
    {
        var runner = await AddRunnerAsync(slots: 3);
        await AddReadyAsync();

        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        var stopped = await GetAsync(runner);
        Assert.Equal((3, 0), (stopped.TotalSlots, stopped.RemainingSlots));
        Assert.InRange(stopped.StopTs, Store.Now - 5000, Store.Now);
        Assert.Null(await Store.Runners.GetActorsAsync(runner.RunnerId, Ct));
        Assert.Equal(StartGrantStatus.NoCapacity, (await BeginAsync(await AddActorAsync())).Status);
    }

    [Fact]
    public async Task SweepLostAsync_SilentForLonger_LostOnce()
    {
        var silent = await AddRunnerAsync();
        var ready = await AddReadyAsync();

        // A real clock goes on by itself: not quite all of it.
        await Store.AdvanceAsync(LostAfter - TimeSpan.FromSeconds(2));
        var talking = await AddRunnerAsync();

        Assert.Empty(await Store.SweepLostAsync(LostAfter, Ct));
        await Store.AdvanceAsync(TimeSpan.FromSeconds(2.05));
        var sweeps = await RaceAsync(10, _ => Store.SweepLostAsync(LostAfter, Ct));

        var lost = Assert.Single(sweeps.SelectMany(s => s));
        Assert.Equal(silent.RunnerId, lost.RunnerId);
        Assert.True(lost.StopTs - lost.LastPingTs >= LostAfter.TotalMilliseconds);
        Assert.Equal(ActorErrorKind.RunnerConnectionLost, (await GetAsync(ready)).Error!.Kind);
        Assert.Equal(0, (await GetAsync(talking)).StopTs);
        Assert.Null(await Store.Runners.HeartbeatAsync(silent.RunnerId, Ct));
    }

    [Fact]
    public async Task SweepLostAsync_Heartbeats_KeepItAlive()
    {
        var runner = await AddRunnerAsync();
        for (var i = 0; i < 5; i++)
        {
            await Store.AdvanceAsync(TimeSpan.FromSeconds(10));
            Assert.Empty(await Store.SweepLostAsync(LostAfter, Ct));
            await Store.Runners.HeartbeatAsync(runner.RunnerId, Ct);
        }

        Assert.Equal(0, (await GetAsync(runner)).StopTs);
    }

    [Fact]
    public async Task SweepLostAsync_StaticOrMaxValue_LosesNone()
    {
        var fixedRunner = await AddRunnerAsync(isStatic: true);
        await Store.AdvanceAsync(TimeSpan.FromHours(5));
        await AddRunnerAsync();
        await Store.AdvanceAsync(TimeSpan.FromHours(5));

        Assert.Empty(await Store.SweepLostAsync(TimeSpan.MaxValue, Ct));
        Assert.Single(await Store.SweepLostAsync(LostAfter, Ct));
        Assert.Equal(0, (await GetAsync(fixedRunner)).StopTs);
        Assert.True(await Store.Runners.DeleteAsync(fixedRunner.RunnerId, Ct));
    }

    [Fact]
    public async Task SweepLostAsync_SeveralPools_AllAreSwept()
    {
        await AddRunnerAsync();
        await AddRunnerAsync(pool: new("default", "games"));
        await AddRunnerAsync(pool: new("other", "lobbies"));
        await Store.AdvanceAsync(LostAfter * 2);

        Assert.Equal(3, (await Store.SweepLostAsync(LostAfter, Ct)).Count);
    }

    [Fact]
    public async Task ListAsync_Filters_ByPoolAndStopped()
    {
        var games = new PoolId("default", "games");
        var a = await AddRunnerAsync();
        await Store.AdvanceAsync(TimeSpan.FromMilliseconds(5));
        var b = await AddRunnerAsync(pool: games);
        await Store.AdvanceAsync(TimeSpan.FromMilliseconds(5));
        var gone = await AddRunnerAsync();
        await AddRunnerAsync(pool: new("other", "lobbies"));
        await Store.Runners.DeleteAsync(gone.RunnerId, Ct);

        Assert.Equal([b.RunnerId, a.RunnerId], await ListAsync(null, false));
        Assert.Equal([gone.RunnerId, b.RunnerId, a.RunnerId], await ListAsync(null, true));
        Assert.Equal([gone.RunnerId, a.RunnerId], await ListAsync("lobbies", true));
        Assert.Equal([b.RunnerId], await ListAsync("games", false));
        Assert.Empty(await ListAsync("nothing", true));
    }

    [Theory]
    [InlineData("")]
    [InlineData("r")]
    [InlineData("a0000000000000001")]
    [InlineData("r000000000000000g")]
    public async Task ListAsync_BadCursorOrLimit_Throws(string cursor)
    {
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Runners.ListAsync(new("default", null, true, 1, cursor), Ct));
        await AddRunnerAsync();
        await Assert.ThrowsAsync<FormatException>(async () => await Store.Runners.ListAsync(new("default", null, true, 1, cursor), Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Runners.ListAsync(new("default", null, true, 0, null), Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await Store.Runners.ListAsync(new("default", null, true, 1001, null), Ct));
    }

    /// <summary>Every page, one runner each.</summary>
    private async Task<List<string>> ListAsync(string? pool, bool stopped)
    {
        var all = new List<string>();
        var cursor = (string?)null;
        do
        {
            var page = await Store.Runners.ListAsync(new("default", pool, stopped, 1, cursor), Ct);
            all.AddRange(page.Items.Select(r => r.RunnerId));
            cursor = page.Cursor;
        }
        while (cursor is not null);
        return all;
    }
}
