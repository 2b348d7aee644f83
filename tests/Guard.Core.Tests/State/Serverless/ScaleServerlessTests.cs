using Guard.Core.State.Upkeep;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Runners;

namespace Guard.Core.Tests.State.Serverless;

public sealed class ScaleServerlessTests
{
    private static readonly PoolError Refused = new(PoolErrorKind.ServerlessConnectionError, Message: "refused");
    private static readonly PoolError Http500 = new(PoolErrorKind.ServerlessHttpError, 500, "no");
    private readonly ServerlessHarness _h = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ScriptedEndpoint Endpoint => _h.Endpoints;

    private void EachInits() => Endpoint.Answer = c => c.Init();

    /// <summary>A pool with so many established connections, each with one actor on it.</summary>
    private async Task<IReadOnlyList<ActorRecord>> EstablishedAsync(int count, ServerlessPoolConfig? config = null)
    {
        EachInits();
        await _h.WithPoolAsync(config ?? ServerlessHarness.Endpoint with { SlotsPerRunner = 1 });
        var actors = await _h.AddActorsAsync(count);
        await _h.WantAsync(actors);
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == count, $"{count} streams");
        await WithRunnersAsync(count);
        await _h.WantAsync(actors);
        await _h.LookAsync();
        Assert.Equal(count, Endpoint.Connects.Count);
        return actors;
    }

    private async Task WithRunnersAsync(int count)
    {
        for (var i = 0; i < 1000 && (await _h.RunnersAsync()).Count != count; i++)
        {
            await ServerlessHarness.TurnAsync();
        }

        Assert.Equal(count, (await _h.RunnersAsync()).Count);
    }

    [Fact]
    public async Task Run_TwoHundredPendingAtAColdPool_TwentyConnectsAtOnceAndNoMore()
    {
        await _h.WithPoolAsync();
        var actors = await _h.AddActorsAsync(200);
        await _h.WantAsync(actors);

        await _h.LookAsync();
        Assert.Equal(20, Endpoint.Connects.Count);
        await _h.LookAsync();
        Assert.Equal(20, Endpoint.Connects.Count);

        foreach (var (connect, i) in Endpoint.Connects.Select((c, i) => (c, i)))
        {
            // In each order of init, sweep and start nothing is opened twice.
            connect.Complete(connect.Init());
            await WithRunnersAsync(i + 1);
            await _h.WantAsync(actors.Skip(i * 10).Take(i % 2 == 0 ? 10 : 0));
            await _h.LookAsync();
        }

        await _h.WantAsync(actors);
        await _h.LookAsync();
        Assert.Equal(20, Endpoint.Connects.Count);
        Assert.All(await _h.RunnersAsync(), r => Assert.Equal(0, r.RemainingSlots));

        // Each init, and each actor that became ready; an init's report comes after its runner is there.
        await _h.UntilAsync(() => _h.Health.Reported.Count >= 220, "every report");
        Assert.Equal(220, _h.Health.Reported.Count);
        Assert.All(_h.Health.Reported, Assert.Null);
    }

    [Fact]
    public async Task Run_ConnectFails_ReportedAndTriedAgainOneAtATimeAfterTheBackoff()
    {
        await _h.WithPoolAsync();
        await _h.WantAsync(await _h.AddActorsAsync(50));
        await _h.LookAsync();
        Assert.Equal(5, Endpoint.Connects.Count);

        Endpoint.Answer = _ => Refused;
        foreach (var connect in Endpoint.Connects)
        {
            connect.Complete(Http500);
        }

        await _h.UntilAsync(() => _h.Health.Reported.Count == 5, "reports");
        Assert.True((await _h.ReadHealthAsync()).IsRed);
        await _h.LookAsync();
        Assert.Equal(5, Endpoint.Connects.Count);

        // 2 s of backoff at most, then 4 s; the demand of those nobody asks for any more lasts 5 s.
        await _h.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(6, Endpoint.Connects.Count);
        await _h.PassAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(Endpoint.Connects.Count, 6, 7);
        Assert.Equal(Refused, (await _h.ReadHealthAsync()).ActiveError!.Error);
    }

    [Fact]
    public async Task Run_ProbeDuringBackoff_OneConnectForEachProbe()
    {
        await _h.WithPoolAsync();
        Endpoint.Answer = _ => Refused;
        var actors = await _h.AddActorsAsync(3);
        await _h.WantAsync(actors);
        await _h.LookAsync();
        await _h.UntilAsync(() => _h.Health.Reported.Count == 1, "report");
        Assert.Single(Endpoint.Connects);

        var probe = await _h.Health.TryGrantProbeAsync(ServerlessHarness.Pool, TimeSpan.FromSeconds(5), Ct);
        Assert.True(probe.IsGranted);
        await _h.WantAsync(actors);
        await _h.LookAsync();
        await _h.UntilAsync(() => _h.Health.Reported.Count == 2, "the probe's report");
        await _h.LookAsync();
        await _h.LookAsync();

        Assert.Equal(2, Endpoint.Connects.Count);
    }

    [Fact]
    public async Task Run_EndpointHeals_TheProbeConnectsAndTheRestFollowsAtOnce()
    {
        await _h.WithPoolAsync(ServerlessHarness.Endpoint with { SlotsPerRunner = 1 });
        Endpoint.Answer = _ => Refused;
        var actors = await _h.AddActorsAsync(3);
        await _h.WantAsync(actors);
        await _h.LookAsync();
        await _h.UntilAsync(() => _h.Health.Reported.Count == 3, "report");

        EachInits();
        _h.Time.Advance(TimeSpan.FromMilliseconds(100));
        await _h.Health.TryGrantProbeAsync(ServerlessHarness.Pool, TimeSpan.FromSeconds(5), Ct);
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == 1, "the probe's stream");
        await _h.UntilAsync(() => _h.Health.Reported.Count == 4, "success");
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == 3, "all streams");
        await _h.UntilAsync(() => _h.Health.Reported.Count == 6, "successes");

        Assert.False((await _h.ReadHealthAsync()).IsRed);
        Assert.Contains(_h.Log.Lines, l => l.Contains("can be connected to again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_FailsWhileAnotherIsEstablished_NotReportedAndBackedOff()
    {
        await EstablishedAsync(1);
        Endpoint.Answer = _ => Http500;
        await _h.WantAsync(await _h.AddActorAsync());
        var before = _h.Health.Reported.Count;

        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Connects.Count == 2 && Endpoint.Connects[1].Task.IsCompleted, "the second connect");
        await ServerlessHarness.TurnAsync();
        await _h.LookAsync();

        Assert.Equal(before, _h.Health.Reported.Count);
        Assert.Equal(2, Endpoint.Connects.Count);
        Assert.False((await _h.ReadHealthAsync()).IsRed);
    }

    [Fact]
    public async Task Stream_Ends_ItsRunnerIsLostAtOnceAndReplaced()
    {
        var actor = (await EstablishedAsync(1))[0];

        Endpoint.Connects[0].End();

        await _h.UntilAsync(() => !_h.Streams.HasAny(ServerlessHarness.Pool), "the end");
        await WithRunnersAsync(0);
        var crashed = (await _h.Store.GetAsync(actor.Id, Ct))!;
        Assert.Equal((ActorState.Crashed, ActorErrorKind.RunnerConnectionLost), (crashed.State, crashed.Error!.Kind));
        Assert.Contains(ServerlessHarness.Pool, _h.Attention.Take());
    }

    [Fact]
    public async Task Stream_EndsSoonAfterItsInit_TheNextIsNotOpenedAtOnce()
    {
        await _h.WithPoolAsync();
        EachInits();
        var actor = await _h.AddActorAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == 1, "a stream");
        await WithRunnersAsync(1);

        _h.Time.Advance(TimeSpan.FromSeconds(2));
        Endpoint.Connects[0].End();
        await WithRunnersAsync(0);
        await ServerlessHarness.TurnAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();

        Assert.Single(Endpoint.Connects);
        await _h.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(2, Endpoint.Connects.Count);
        Assert.False((await _h.ReadHealthAsync()).IsRed);
    }

    [Fact]
    public async Task Stream_EndsSoonAgainAndAgain_TheWaitDoesNotGrow()
    {
        await _h.WithPoolAsync();
        EachInits();
        var actor = await _h.AddActorAsync();
        for (var lives = 1; lives <= 6; lives++)
        {
            await _h.WantAsync(actor);
            await _h.PassAsync(TimeSpan.FromSeconds(2));
            await WithRunnersAsync(1);
            Assert.Equal(lives, Endpoint.Connects.Count);

            _h.Time.Advance(TimeSpan.FromSeconds(1.5));
            Endpoint.Connects[^1].End();
            await WithRunnersAsync(0);
            await ServerlessHarness.TurnAsync();
        }

        Assert.False((await _h.ReadHealthAsync()).IsRed);
    }

    [Fact]
    public async Task Stream_ClosedByThisGuardSoonAfterItsInit_TheNextIsOpenedAtOnce()
    {
        await _h.WithPoolAsync();
        EachInits();
        var actor = await _h.AddActorAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();
        await WithRunnersAsync(1);

        await _h.Store.DrainAsync((await _h.RunnersAsync())[0].RunnerId, Ct);
        _h.Time.Advance(TimeSpan.FromSeconds(1));
        await WithRunnersAsync(0);
        await ServerlessHarness.TurnAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();

        Assert.Equal(2, Endpoint.Connects.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_EndsAtOnceAfterItsInit_IsAnErrorOfThePoolUnlessGuardClosedIt(bool byItself)
    {
        await _h.WithPoolAsync();
        EachInits();
        var actor = await _h.AddActorAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Open == 1, "a stream");
        await WithRunnersAsync(1);
        await _h.LookAsync();

        if (byItself)
        {
            Endpoint.Connects[0].End();
        }
        else
        {
            await _h.Streams.StopAsync(new CancellationToken(true));
        }

        await WithRunnersAsync(0);
        await ServerlessHarness.TurnAsync();
        for (var i = 0; i < 1000 && byItself && !(await _h.ReadHealthAsync()).IsRed; i++)
        {
            await ServerlessHarness.TurnAsync();
        }

        Assert.Equal(byItself ? PoolErrorKind.ServerlessStreamEndedEarly : null, (await _h.ReadHealthAsync()).ActiveError?.Error.Kind);
    }

    [Fact]
    public async Task Run_DemandGone_SettlesThenDrainsAndCloses()
    {
        var actors = await EstablishedAsync(3);
        foreach (var actor in actors)
        {
            await _h.Store.DestroyAsync(actor.Id, Ct);
        }

        await _h.PassAsync(TimeSpan.FromSeconds(9));
        Assert.Equal(3, Endpoint.Open);
        await _h.PassAsync(TimeSpan.FromSeconds(15));

        Assert.Equal(0, Endpoint.Open);
        Assert.Empty(await _h.RunnersAsync());
        Assert.Equal(3, Endpoint.Connects.Count);
    }

    [Fact]
    public async Task Run_PendingOfOneWhoLeft_IsNoDemandForLong()
    {
        await _h.WithPoolAsync();
        await _h.WantAsync(await _h.AddActorAsync());
        Assert.Equal(1, (await _h.LookAsync())!.Pending);

        await _h.PassAsync(TimeSpan.FromSeconds(6));

        Assert.Equal(0, (await _h.LookAsync())!.Pending);
    }

    [Fact]
    public async Task Lost_LeaseTakenByAnother_WhatIsBeingOpenedIsGivenUp()
    {
        await _h.WithPoolAsync();
        await _h.WantAsync(await _h.AddActorAsync());
        await _h.LookAsync();
        var other = _h.AddGuard();
        _h.Time.Advance(PoolKeepers.LeaseTtl + TimeSpan.FromMilliseconds(500));
        await other.LookAsync();

        Assert.Null(await _h.LookAsync());

        await _h.UntilAsync(() => Endpoint.Connects[0].IsCancelled, "cancelled");
        Assert.Empty(_h.Health.Reported);
    }

    [Fact]
    public async Task Run_GuardOfAStreamDies_ItsRunnersAreLostWithinItsLivenessAndReplaced()
    {
        await EstablishedAsync(2);
        var other = _h.AddGuard();
        await ServerlessHarness.TurnAsync();
        _h.Kill();

        for (var i = 0; i < 6; i++)
        {
            await other.StepAsync(TimeSpan.FromSeconds(1));
        }

        Assert.All(await _h.RunnersAsync(), r => Assert.Equal(other.Identity.Id, r.Stream!.Owner));
    }

    [Fact]
    public async Task Run_RunnerSaidToBeHeldHereIsNot_Stopped()
    {
        EachInits();
        await _h.WithPoolAsync();
        await _h.Store.RegisterAsync(
            new("lost-reply", ServerlessHarness.Pool, "k", 1, new RunnerLocation.Http("http://fn.test", RunnerProtocol.Http1), 1, Stream: new(_h.Identity.Id, "", TimeSpan.Zero)), Ct);

        await _h.LookAsync();

        Assert.Empty(await _h.RunnersAsync());
    }

    [Fact]
    public async Task Init_LowerVersionThanOneThatServes_RefusedAsDowngradeAndNotAgainAtOnce()
    {
        await _h.WithPoolAsync(ServerlessHarness.Endpoint with { SlotsPerRunner = 1 });
        Endpoint.Answer = c => c.Init(version: 2);
        var actors = await _h.AddActorsAsync(2);
        await _h.WantAsync(actors[0]);
        await _h.LookAsync();
        await WithRunnersAsync(1);
        await _h.WantAsync(actors);
        Endpoint.Answer = c => c.Init(version: 1);

        await _h.LookAsync();
        await _h.UntilAsync(() => Endpoint.Connects.Count == 2 && Endpoint.Connects[1].HasEnded, "closed");
        await ServerlessHarness.TurnAsync();
        await _h.LookAsync();

        Assert.Equal(2, Endpoint.Connects.Count);
        Assert.Equal(2, Assert.Single(await _h.RunnersAsync()).Version);
        Assert.Contains(_h.Log.Lines, l => l.Contains("downgrade", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Init_WithKeyAndWithoutEndpoint_ItsCallsCarryTheKey()
    {
        await _h.WithPoolAsync();
        Endpoint.Answer = c => c.Init(key: "instance-7", routed: true);
        var actor = await _h.AddActorAsync();
        await _h.WantAsync(actor);
        await _h.LookAsync();
        await WithRunnersAsync(1);

        var grant = await _h.WantAsync(actor);

        Assert.Equal("instance-7", Assert.IsType<RunnerLocation.Http>(grant.Actor!.Runner!.Location).RoutingKey);
        Assert.StartsWith("instance-7/", grant.Runner!.Key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_UrlChanged_ConnectsAnewThenDrainsTheOld()
    {
        await EstablishedAsync(1, ServerlessHarness.Endpoint);
        await _h.WithPoolAsync(ServerlessHarness.Endpoint with { Url = "http://other.test" });

        await _h.LookAsync();
        await WithRunnersAsync(2);
        Assert.Equal("http://other.test", Endpoint.Connects[1].Target.Config.Url);
        await _h.LookAsync();

        Assert.Single(await _h.RunnersAsync(), r => r is { DrainRequestTs: not 0, Address.Location.Endpoint: "http://fn.test" });
        Assert.Equal(2, Endpoint.Connects.Count);
    }

    [Fact]
    public async Task Run_PoolDeleted_StreamsDrainAndClose()
    {
        var actor = (await EstablishedAsync(1))[0];
        await _h.Store.DeleteAsync(ServerlessHarness.Pool, Ct);

        await _h.LookAsync();
        Assert.NotEqual(0, Assert.Single(await _h.RunnersAsync()).DrainRequestTs);
        await _h.Store.DestroyAsync(actor.Id, Ct);
        await _h.PassAsync(TimeSpan.FromSeconds(3));

        Assert.Equal(0, Endpoint.Open);
        Assert.Empty(await _h.RunnersAsync());
    }
}
