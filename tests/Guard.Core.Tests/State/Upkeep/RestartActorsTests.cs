using Guard.Core.State.Upkeep;
using Guard.Core.Tests.Request.Readiness;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Upkeep;

public sealed class RestartActorsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_RedPoolWithManyDueRestarts_OneAsksForTheProbeAndTheRefusalIsRemembered()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        var due = await DueAsync(h, 50);
        await TurnRedAsync(h);
        Assert.True((await h.Health.TryGrantProbeAsync(ReadinessHarness.Pool, TimeSpan.FromSeconds(5), Ct)).IsGranted);
        var before = h.Health.ProbesAsked;

        for (var i = 0; i < 5; i++)
        {
            await LookAsync(h, due);
        }

        await h.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        Assert.Equal(1, h.Health.ProbesAsked - before);
        Assert.Empty(h.Runners.Starts);
    }

    [Fact]
    public async Task Run_RedPoolAndProbeGranted_OneStartsAndEndsTheProbe()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        var due = await DueAsync(h, 50);
        await TurnRedAsync(h);

        await LookAsync(h, due);
        await ReadinessHarness.UntilAsync(() => !h.Runners.Starts.IsEmpty, "started");
        await h.AdvanceAsync(TimeSpan.FromMilliseconds(200));

        Assert.Single(h.Runners.Starts);

        // Its success lets the next one pass at once.
        Assert.True((await h.Health.TryGrantProbeAsync(ReadinessHarness.Pool, TimeSpan.FromSeconds(5), Ct)).IsGranted, "the probe had success");
    }

    [Fact]
    public async Task Run_GreenPool_AllStart()
    {
        var h = await new ReadinessHarness().WithPoolAsync();
        await h.AddRunnerAsync("r1", slots: 100);
        var due = await DueAsync(h, 20);

        await LookAsync(h, due);
        await ReadinessHarness.UntilAsync(() => h.Runners.Starts.Count == 20, "started");

        Assert.Equal(0, h.Health.ProbesAsked);
    }

    private static async Task<ActorId[]> DueAsync(ReadinessHarness h, int count)
    {
        var due = new ActorId[count];
        for (var i = 0; i < count; i++)
        {
            due[i] = (await h.AddActorAsync($"a{i}")).Id;
        }

        return due;
    }

    private static async Task TurnRedAsync(ReadinessHarness h)
    {
        for (var i = 0; i < h.Options.PoolHealth.ErrorsToTrip; i++)
        {
            await h.Health.ReportErrorAsync(ReadinessHarness.Pool, new(PoolErrorKind.InternalError), Ct);
        }
    }

    private static async Task LookAsync(ReadinessHarness h, ActorId[] due)
    {
        var sweep = new PoolSweep
        {
            IsTaken = false,
            Lost = [],
            DrainedByVersion = [],
            Draining = [],
            TimedOut = [],
            DueRestarts = due,
            NextRestart = null,
        };
        await h.Restarts.RunAsync(new(ReadinessHarness.Pool, new("guard", 1), sweep, new EvictionPace(), TimeSpan.FromSeconds(1)), Ct);
    }
}
