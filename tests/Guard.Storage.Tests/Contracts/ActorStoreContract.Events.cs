using System.Text;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Storage.Tests.Contracts;

public abstract partial class ActorStoreContract
{
    [Fact]
    public async Task ApplyEventAsync_UnknownActor_Unknown()
    {
        var runner = await AddRunnerAsync();

        Assert.Equal(
            RunnerEventResult.Unknown,
            await Store.Actors.ApplyEventAsync(runner.RunnerId, new(ActorId.New(1), 1, RunnerEventKind.Ready, null), Ct));
    }

    [Fact]
    public async Task ApplyEventAsync_ReadyOfAStartingGeneration_ReadyAndOneSuccess()
    {
        await AddRunnerAsync();
        var starting = await AddStartingAsync();

        Assert.Equal(RunnerEventResult.Ok, await TellAsync(starting, RunnerEventKind.Ready));
        var ready = await GetAsync(starting);
        Assert.Equal((ActorState.Ready, starting.Revision + 1), (ready.State, ready.Revision));
        Assert.Equal(1, await Store.SuccessesAsync(Pool));

        Assert.Equal(RunnerEventResult.Ok, await TellAsync(starting, RunnerEventKind.Ready));
        Assert.Equal(ready.Revision, (await GetAsync(starting)).Revision);
        Assert.Equal(1, await Store.SuccessesAsync(Pool));
        Assert.Equal(TransitionResult.Ok, (await Store.Actors.CommitReadyAsync(starting.Id, Pool, starting.Generation, Ct)).Result);
        Assert.Equal(1, await Store.SuccessesAsync(Pool));
    }

    [Theory]
    [InlineData("Stopped", false)]
    [InlineData("Stopped", true)]
    [InlineData("Sleep", false)]
    [InlineData("Sleep", true)]
    public async Task ApplyEventAsync_StoppedOrSleep_SleepsCleanAndSlotIsBackOnce(string kindName, bool ready)
    {
        var kind = Enum.Parse<RunnerEventKind>(kindName);
        var runner = await AddRunnerAsync(slots: 1);
        var actor = ready ? await AddReadyAsync(CrashPolicy.Destroy) : await AddStartingAsync(CrashPolicy.Destroy);
        await Store.SettleAsync();
        Store.Feed.Clear();

        var results = await RaceAsync(20, _ => TellAsync(actor, kind).AsTask());

        Assert.Single(results, r => r == RunnerEventResult.Ok);
        Assert.Equal(19, results.Count(r => r == RunnerEventResult.Stale));
        var after = await GetAsync(actor);
        Assert.Equal((ActorState.Sleeping, null, null, 0L), (after.State, after.Error, after.Runner, after.ConnectableTs));
        Assert.InRange(after.SleepTs, Store.Now - 5000, Store.Now);
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        await Store.SettleAsync();
        Assert.Equal(1, Store.Feed.Capacity(Pool));
        Assert.True(Store.Feed.Saw(actor.Id, after.Revision));
    }

    [Theory]
    [InlineData("Sleep", "Crashed")]
    [InlineData("Restart", "Crashed")]
    [InlineData("Destroy", "Destroyed")]
    public async Task ApplyEventAsync_Crashed_AsTheCrashPolicySays(string policyName, string stateName)
    {
        var (policy, state) = (Enum.Parse<CrashPolicy>(policyName), Enum.Parse<ActorState>(stateName));
        var runner = await AddRunnerAsync(slots: 2);
        var ready = await AddReadyAsync(policy);
        var starting = await AddStartingAsync(policy);

        foreach (var actor in new[] { ready, starting })
        {
            Assert.Equal(RunnerEventResult.Ok, await TellAsync(actor, RunnerEventKind.Crashed, "out of\r\nmemory\u0000"));
            var after = await GetAsync(actor);
            Assert.Equal((state, ActorErrorKind.Crashed, "out ofmemory"), (after.State, after.Error!.Kind, after.Error.Message));
            Assert.Equal(policy == CrashPolicy.Restart, after.RescheduleTs > 0);
        }

        Assert.Equal(2, (await GetAsync(runner)).RemainingSlots);
    }

    [Fact]
    public async Task ApplyEventAsync_CrashedWithALongMessage_CutBetweenCharacters()
    {
        await AddRunnerAsync();
        var ready = await AddReadyAsync();

        await TellAsync(ready, RunnerEventKind.Crashed, "x" + new string('é', 10_000));

        var message = (await GetAsync(ready)).Error!.Message!;
        Assert.Equal("x" + new string('é', 255), message);
        Assert.Equal(511, Encoding.UTF8.GetByteCount(message));
    }

    [Fact]
    public async Task ApplyEventAsync_CrashedThenReady_ErrorIsGone()
    {
        await AddRunnerAsync();
        var actor = await AddReadyAsync();
        await TellAsync(actor, RunnerEventKind.Crashed, null);
        Assert.Equal("", (await GetAsync(actor)).Error!.Message);

        var started = (await BeginAsync(actor)).Actor!;
        Assert.Equal(ActorErrorKind.Crashed, started.Error!.Kind);
        await TellAsync(started, RunnerEventKind.Ready);

        Assert.Null((await GetAsync(actor)).Error);
    }

    [Fact]
    public async Task ApplyEventAsync_Destroy_DestroyedAndKeyFree()
    {
        var runner = await AddRunnerAsync(slots: 1);
        var actor = await AddActorAsync("k");
        var started = (await BeginAsync(actor)).Actor!;

        Assert.Equal(RunnerEventResult.Ok, await TellAsync(started, RunnerEventKind.Destroy));

        Assert.Equal(ActorState.Destroyed, (await GetAsync(actor)).State);
        Assert.Equal(1, (await GetAsync(runner)).RemainingSlots);
        Assert.Null(await Store.Actors.FindAsync("default", "lobby", "k", Ct));
        Assert.Equal(RunnerEventResult.Stale, await TellAsync(started, RunnerEventKind.Ready));
    }

    [Theory]
    [InlineData("Ready")]
    [InlineData("Stopped")]
    [InlineData("Crashed")]
    [InlineData("Sleep")]
    [InlineData("Destroy")]
    public async Task ApplyEventAsync_OtherGenerationOrRunner_StaleAndNothingChanged(string kindName)
    {
        var kind = Enum.Parse<RunnerEventKind>(kindName);
        var runner = await AddRunnerAsync();
        var first = await AddReadyAsync();
        await TellAsync(first, RunnerEventKind.Stopped);
        var second = (await BeginAsync(first)).Actor!;
        var other = await AddRunnerAsync();

        Assert.Equal(2, second.Generation);
        Assert.Equal(RunnerEventResult.Stale, await TellAsync(first, kind));
        Assert.Equal(RunnerEventResult.Stale, await TellAsync(second with { Generation = 3 }, kind));
        Assert.Equal(RunnerEventResult.Stale, await TellAsync(second with { Generation = -1 }, kind));
        Assert.Equal(RunnerEventResult.Stale, await Store.Actors.ApplyEventAsync(other.RunnerId, new(second.Id, 2, kind, null), Ct));
        Assert.Equal(RunnerEventResult.Stale, await Store.Actors.ApplyEventAsync("nobody", new(second.Id, 2, kind, null), Ct));

        Assert.Equal((second.Revision, ActorState.Starting), ((await GetAsync(second)).Revision, (await GetAsync(second)).State));
        Assert.Equal(9, (await GetAsync(runner)).RemainingSlots);
    }

    [Fact]
    public async Task ApplyEventAsync_RunnerLost_ItsEventsAreStale()
    {
        var runner = await AddRunnerAsync(key: "k");
        var ready = await AddReadyAsync();
        await Store.Runners.DeleteAsync(runner.RunnerId, Ct);

        Assert.Equal(RunnerEventResult.Stale, await TellAsync(ready, RunnerEventKind.Ready));
        Assert.Equal(RunnerEventResult.Stale, await TellAsync(ready, RunnerEventKind.Stopped));
    }
}
