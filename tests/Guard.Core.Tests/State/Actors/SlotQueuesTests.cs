using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Request.Readiness;
using Guard.Core.Tests.Request.Readiness;
using Guard.Core.Transport;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Actors;

/// <summary>Many actors of a pool that wait for a slot.</summary>
public sealed class SlotQueuesTests
{
    private const int Waiting = 200;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Hold_ManyActorsWithoutSlot_StoreIsAskedForThePoolNotForEach()
    {
        var (h, _, _) = await HoldManyAsync();
        var before = h.Link.Calls;

        await h.AdvanceAsync(10 * Interval);

        // In each interval: one ask, one renewal, one read of the pool's health; and each wait's own read of its actor once in ten.
        Assert.InRange(h.Link.Calls - before, 20, 50 + Waiting);
        Assert.Equal(Waiting, (await SweepAsync(h)).Pending);
    }

    [Fact]
    public async Task Hold_OneSlotFallsFree_OneStartsAndNotAllAsk()
    {
        var (h, _, holds) = await HoldManyAsync();
        var before = h.Link.Calls;

        await h.AddRunnerAsync("r1", slots: 1);
        await h.AdvanceUntilDoneAsync(Task.WhenAny(holds), most: Interval / 2);
        await h.AdvanceAsync(Interval / 10);

        Assert.Single(h.Runners.Starts);
        Assert.InRange(h.Link.Calls - before, 1, 20);
    }

    [Fact]
    public async Task Hold_RunnerWithRoomForAll_AllStartAtOnce()
    {
        var (h, _, holds) = await HoldManyAsync();

        await h.AddRunnerAsync("r1", slots: Waiting);
        await h.AdvanceUntilDoneAsync(Task.WhenAll(holds), TimeSpan.FromMilliseconds(10), most: Interval / 2);

        Assert.All(holds, hold => Assert.Equal(HoldOutcome.Ready, hold.Result.Outcome));
        Assert.Equal(Waiting, h.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_SlotsFallFreeOneByOne_ThoseStartThatHaveWaitedLongest()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var actors = new List<ActorRoute>();
        for (var i = 0; i < 6; i++)
        {
            actors.Add(await h.AddActorAsync($"k{i}"));
            _ = h.Hold(actors[i]);
            await UntilWaitingAsync(h, i + 1);
        }

        // As many intervals as each would be first in, were the queue to turn.
        await h.AdvanceAsync(7 * Interval);
        for (var i = 0; i < 3; i++)
        {
            await h.AddRunnerAsync($"r{i}", slots: 1);
            await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == i + 1, "started");
            await UntilWaitingAsync(h, actors.Count - i - 1);
        }

        Assert.Equal([0, 1, 2], h.Runners.Starts.Select(s => actors.FindIndex(a => a.IdText == s.Actor)));
    }

    [Fact]
    public async Task Hold_NobodyHearsOfTheRoom_AllStartWithinTwoIntervals()
    {
        var (h, _, holds) = await HoldManyAsync(deaf: true);

        await h.AddRunnerAsync("r1", slots: Waiting);
        await h.AdvanceUntilDoneAsync(Task.WhenAll(holds), most: 2 * Interval);

        Assert.Equal(Waiting, h.Runners.Starts.Count);
    }

    [Fact]
    public async Task Hold_RenewalBreaks_EachAsksForItselfAndGetsItsSlot()
    {
        var (h, _, holds) = await HoldManyAsync(deaf: true);
        h.Link.RenewalBug = new InvalidOperationException("a bug");
        await h.AdvanceAsync(3 * Interval);

        await h.AddRunnerAsync("r1", slots: Waiting);
        await h.AdvanceUntilDoneAsync(Task.WhenAll(holds), most: 2 * Interval);

        Assert.All(holds, hold => Assert.Equal(HoldOutcome.Ready, hold.Result.Outcome));
    }

    [Fact]
    public async Task Hold_NobodyHearsThatAnActorIsDestroyed_ItsRequestIsAnsweredInTwoIntervals()
    {
        var (h, actors, holds) = await HoldManyAsync(deaf: true);

        await h.Store.DestroyAsync(actors[Waiting / 2].Id, TestContext.Current.CancellationToken);
        await h.AdvanceUntilDoneAsync(holds[Waiting / 2], most: 2 * Interval);

        Assert.Equal("actor.destroyed_while_waiting_for_ready", (await holds[Waiting / 2]).Error!.FullCode);
        Assert.Equal(Waiting - 1, h.Limiter.Held);
    }

    [Fact]
    public async Task Hold_TheOneWhoseTurnItIsLeaves_TheNextTakesTheRoom()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        using var client = new CancellationTokenSource();
        var (first, second) = (await h.AddActorAsync("first"), await h.AddActorAsync("second"));
        var ofFirst = h.HoldOf(client, first);
        await UntilWaitingAsync(h, 1);
        var ofSecond = h.Hold(second);
        await UntilWaitingAsync(h, 2);
        await h.AdvanceAsync(2 * Interval);

        await client.CancelAsync();
        await h.AddRunnerAsync("r1", slots: 1);
        var took = await h.AdvanceUntilDoneAsync(ofSecond, most: Interval);

        Assert.Equal(HoldOutcome.ClientGone, (await ofFirst).Outcome);
        Assert.Equal(HoldOutcome.Ready, (await ofSecond).Outcome);
        Assert.InRange(took, TimeSpan.Zero, Interval / 2);
    }

    [Fact]
    public async Task Hold_StartThatTookTheRoomFails_OthersGoOn()
    {
        var (h, _, holds) = await HoldManyAsync();
        h.Runners.OnStart("r1", HttpStatusCode.InternalServerError);

        await h.AddRunnerAsync("r1", slots: 1);
        await h.AdvanceUntilDoneAsync(Task.WhenAll(holds), most: TimeSpan.FromSeconds(20));

        Assert.All(holds, hold => Assert.Equal("actor.crashed", hold.Result.Error!.FullCode));
        Assert.Equal(Waiting, h.Runners.Starts.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Hold_StoreGoesWhileTheyWait_UnavailableAtDeadlineAndStartedWhenItIsBack(bool comesBack)
    {
        var (h, _, holds) = await HoldManyAsync();

        h.Link.Refuse();
        await h.AdvanceAsync(3 * Interval);
        if (comesBack)
        {
            h.Link.Up();
            await h.AddRunnerAsync("r1", slots: Waiting);
        }

        await h.AdvanceUntilDoneAsync(Task.WhenAll(holds), most: TimeSpan.FromSeconds(40));

        Assert.All(holds, hold => Assert.Equal(comesBack ? null : "guard.service_unavailable", hold.Result.Error?.FullCode));
    }

    private static async Task<(ReadinessHarness Harness, ActorRoute[] Actors, Task<HoldResult>[] Holds)> HoldManyAsync(bool deaf = false)
    {
        var h = await new ReadinessHarness(deaf: deaf).WithPoolAsync();
        var actors = new ActorRoute[Waiting];
        for (var i = 0; i < Waiting; i++)
        {
            actors[i] = await h.AddActorAsync($"k{i}");
        }

        var holds = Array.ConvertAll(actors, a => h.Hold(a));
        await UntilWaitingAsync(h, Waiting);
        await h.AdvanceAsync(2 * Interval);
        return (h, actors, holds);
    }

    private static Task UntilWaitingAsync(ReadinessHarness h, int count)
        => ReadinessHarness.UntilAsync(() => h.Starter.CountWaiting(ReadinessHarness.Pool) == count, $"{count} wait");

    private static async Task<PoolSweep> SweepAsync(ReadinessHarness h)
        => (await h.Store.SweepAsync(new(ReadinessHarness.Pool, new("sweeper", 1), TimeSpan.MaxValue), TestContext.Current.CancellationToken))!;
}
