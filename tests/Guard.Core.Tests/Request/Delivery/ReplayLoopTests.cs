using Guard.Core.Async;
using Guard.Core.Request.Delivery;
using Guard.Core.Tests.Request.Readiness;
using Guard.Core.Transport;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Request.Delivery;

public sealed class ReplayLoopTests
{
    private static CancellationToken TestToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData((int)ForwardStatus.NotReached)]
    [InlineData((int)ForwardStatus.NotMyActor)]
    [InlineData((int)ForwardStatus.FailedTry)]
    public async Task RunAsync_PoolWaitsLongerAndFirstTryFailsInBetween_IsTriedAgain(int first)
    {
        var h = await new ReadinessHarness().WithPoolAsync(new PoolGuardOverrides { ReadyTimeoutMs = 60_000 });
        var ready = await ReadyAsync(h);
        var request = new ScriptedRequest(h, ForwardStatus.Done);
        h.Time.Advance(TimeSpan.FromSeconds(45));

        var run = h.Replays.RunAsync(request, ready, new ForwardOutcome((ForwardStatus)first)).AsTask();
        var took = await h.AdvanceUntilDoneAsync(run);

        Assert.Equal(RequestEnd.Answered, await run);
        Assert.Equal(1, request.Tries);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData((int)ForwardStatus.NotReached)]
    [InlineData((int)ForwardStatus.NotMyActor)]
    public async Task RunAsync_PoolWaitsLessAndFirstTryFailsAfterIt_IsNotTriedAgain(int first)
    {
        var h = await new ReadinessHarness().WithPoolAsync(new PoolGuardOverrides { ReadyTimeoutMs = 5000 });
        var ready = await ReadyAsync(h);
        var request = new ScriptedRequest(h, ForwardStatus.Done);
        h.Time.Advance(TimeSpan.FromSeconds(10));

        var run = h.Replays.RunAsync(request, ready, new ForwardOutcome((ForwardStatus)first)).AsTask();
        await h.AdvanceUntilDoneAsync(run, most: TimeSpan.FromSeconds(1));

        Assert.Equal("guard.service_unavailable", (await run).Error?.FullCode);
        Assert.Equal(0, request.Tries);
    }

    [Fact]
    public async Task RunAsync_RunnerNeverReached_TriesWithBackoffUntilTheDeadline()
    {
        var h = await new ReadinessHarness(o => o.Readiness.Timeout = TimeSpan.FromSeconds(5)).WithPoolAsync();
        var ready = await ReadyAsync(h);
        var request = new ScriptedRequest(h, ForwardStatus.NotReached);

        var run = h.Replays.RunAsync(request, ready, first: null).AsTask();
        var took = await h.AdvanceUntilDoneAsync(run);

        Assert.Equal(RequestEndKind.Refused, (await run).Kind);
        Assert.True(request.Tries > 2, $"{request.Tries} tries");
        Assert.InRange(took, TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(6));
    }

    [Theory]
    [InlineData((int)ForwardStatus.Cut, (int)RequestEndKind.Cut)]
    [InlineData((int)ForwardStatus.ClientGone, (int)RequestEndKind.ClientLeft)]
    [InlineData((int)ForwardStatus.Done, (int)RequestEndKind.Answered)]
    public async Task RunAsync_TryIsTheLast_EndsAsTheTry(int tried, int expected)
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        var ready = await ReadyAsync(h);
        var request = new ScriptedRequest(h, (ForwardStatus)tried);

        var end = await h.Replays.RunAsync(request, ready, first: null);

        Assert.Equal((RequestEndKind)expected, end.Kind);
        Assert.Null(end.Error);
        Assert.Equal(1, request.Tries);
    }

    /// <summary>An actor that is ready, in a store that never answers at once.</summary>
    private static async Task<ActorRoute> ReadyAsync(ReadinessHarness h)
    {
        await h.AddRunnerAsync("r1");
        var actor = await h.AddActorAsync("a");
        var held = await h.Hold(actor).WaitAsync(TimeSpan.FromSeconds(10), TestToken);
        h.Link.Yield();
        return held.Route!;
    }

    /// <summary>A request that arrives now and whose every try ends the same way.</summary>
    private sealed class ScriptedRequest(ReadinessHarness h, ForwardStatus tried) : ReplayedRequest
    {
        public int Tries { get; private set; }

        public override Deadline Deadline { get; } = h.Arriving();

        public override bool SkipReadyWait => false;

        public override bool CanReplay => true;

        public override CancellationToken ClientGone => CancellationToken.None;

        public override ValueTask<ForwardOutcome> TryAsync(ActorRoute route)
        {
            Tries++;
            return new(new ForwardOutcome(tried, LastError: "scripted"));
        }
    }
}
