using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Core.Tests.Model.Actors;

public sealed class ActorLifecycleTests
{
    private const long Now = 1_000_000;

    /// <summary>No jitter: half of the base delay, doubled each time.</summary>
    private static readonly RestartTiming Timing = new(2000, 60_000, 600_000, 0);

    private static readonly RunnerAddress Runner = new("r1", new RunnerLocation.Http("http://127.0.0.1:9001", RunnerProtocol.Http1));
    private static readonly ActorError Crash = new(ActorErrorKind.Crashed, Message: "before");

    /// <summary>An actor in its fifth generation, with every field that its state allows set.</summary>
    private static ActorRecord Actor(ActorState state, CrashPolicy policy = CrashPolicy.Sleep)
    {
        var held = ActorLifecycle.HoldsSlot(state);
        return new()
        {
            Id = ActorId.New(1),
            Pool = new("default", "lobbies"),
            Name = "lobby",
            Key = "k",
            CrashPolicy = policy,
            Input = [1],
            State = state,
            Generation = 5,
            Revision = 20,
            Runner = held ? Runner : null,
            Starter = state == ActorState.Starting ? "guard-1" : null,
            StartId = held ? "start-5" : null,
            Error = state is ActorState.Ready or ActorState.Stopping ? null : Crash,
            CreateTs = 100,
            StartTs = 200,
            PendingAllocationTs = 0,
            ConnectableTs = state == ActorState.Ready ? 300 : 0,
            SleepTs = state == ActorState.Sleeping ? 400 : 0,
            RescheduleTs = state == ActorState.Sleeping ? 500 : 0,
            StopDeadlineTs = state == ActorState.Stopping ? 550 : 0,
            DestroyTs = state == ActorState.Destroyed ? 600 : 0,
        };
    }

    private static ActorState State(string name) => Enum.Parse<ActorState>(name);

    private static void AssertReleased(ActorRecord before, ActorRecord after)
    {
        Assert.Equal(before.Revision + 1, after.Revision);
        Assert.Equal(before.Generation, after.Generation);
        Assert.Equal((null, null, null), (after.Runner, after.Starter, after.StartId));
        Assert.Equal((0, 0, 0), (after.ConnectableTs, after.PendingAllocationTs, after.StopDeadlineTs));
        Assert.Equal((before.Id, before.Key, before.CreateTs, before.StartTs), (after.Id, after.Key, after.CreateTs, after.StartTs));
    }

    [Theory]
    [InlineData("Sleeping", null, "Granted")]
    [InlineData("Sleeping", 5L, "Granted")]
    [InlineData("Pending", null, "Granted")]
    [InlineData("Crashed", null, "Granted")]
    [InlineData("Starting", null, "StartingElsewhere")]
    [InlineData("Starting", 4L, "StartingElsewhere")]
    [InlineData("Starting", 6L, "StartingElsewhere")]
    [InlineData("Starting", 5L, "Granted")]
    [InlineData("Ready", null, "AlreadyReady")]
    [InlineData("Ready", 5L, "AlreadyReady")]
    [InlineData("Stopping", 5L, "Stopping")]
    [InlineData("Destroyed", 5L, "Destroyed")]
    public void CheckStart_EachState_SaysWhether(string state, long? takeOver, string expected)
        => Assert.Equal(expected, ActorLifecycle.CheckStart(Actor(State(state)), takeOver).ToString());

    [Fact]
    public void BeginStart_Sleeping_StartingInTheNextGeneration()
    {
        var before = Actor(ActorState.Sleeping) with { PendingAllocationTs = 450 };

        var after = ActorLifecycle.BeginStart(before, Runner, "guard-1", "start-6", Now);

        Assert.Equal((ActorState.Starting, 6L, 21L), (after.State, after.Generation, after.Revision));
        Assert.Equal((Runner, "guard-1", "start-6"), (after.Runner, after.Starter, after.StartId));
        Assert.Equal((Now, 0L, 0L, 0L), (after.StartTs, after.PendingAllocationTs, after.SleepTs, after.RescheduleTs));
        Assert.Equal(Crash, after.Error);
    }

    [Fact]
    public void BeginStart_Starting_IsTakenOverInTheNextGeneration()
    {
        var before = Actor(ActorState.Starting);

        var after = ActorLifecycle.BeginStart(before, Runner, "guard-2", "start-7", Now);

        Assert.Equal((ActorState.Starting, before.Generation + 1, before.Revision + 1), (after.State, after.Generation, after.Revision));
        Assert.Equal(("guard-2", "start-7"), (after.Starter, after.StartId));
    }

    [Fact]
    public void AwaitCapacity_Sleeping_NoCapacitySinceTheFirstRefusal()
    {
        var first = ActorLifecycle.AwaitCapacity(Actor(ActorState.Sleeping) with { RescheduleTs = 0 }, Timing, Now);
        var second = ActorLifecycle.AwaitCapacity(first, Timing, Now + 1000);

        Assert.Equal((ActorState.Pending, 21L, Now), (first.State, first.Revision, first.PendingAllocationTs));
        Assert.Equal(new ActorError(ActorErrorKind.NoCapacity), first.Error);
        Assert.Same(first, second);
    }

    [Fact]
    public void CommitReady_Starting_ReadyWithoutError()
    {
        var before = Actor(ActorState.Starting);

        var after = ActorLifecycle.CommitReady(before, 5, Now)!;

        Assert.Equal((ActorState.Ready, 5L, 21L), (after.State, after.Generation, after.Revision));
        Assert.Equal((Runner, null, "start-5"), (after.Runner, after.Starter, after.StartId));
        Assert.Equal((null, Now), (after.Error, after.ConnectableTs));
    }

    [Fact]
    public void CommitReady_ReadyAlready_Unchanged()
    {
        var ready = Actor(ActorState.Ready);

        Assert.Same(ready, ActorLifecycle.CommitReady(ready, 5, Now));
    }

    [Theory]
    [InlineData("Starting", 4)]
    [InlineData("Starting", 6)]
    [InlineData("Ready", 4)]
    [InlineData("Sleeping", 5)]
    [InlineData("Stopping", 5)]
    [InlineData("Destroyed", 5)]
    public void CommitReady_OtherGenerationOrState_Refused(string state, long generation)
        => Assert.Null(ActorLifecycle.CommitReady(Actor(State(state)), generation, Now));

    [Theory]
    [InlineData("Sleep")]
    [InlineData("Restart")]
    [InlineData("Destroy")]
    public void StartFailed_Retryable_SleepsWithoutErrorWhateverThePolicy(string policy)
    {
        var before = Actor(ActorState.Starting, Enum.Parse<CrashPolicy>(policy));

        var after = ActorLifecycle.StartFailed(before, 5, new(ActorErrorKind.RunnerNoResponse, "r1"), false, Timing, Now)!;

        AssertReleased(before, after);
        Assert.Equal((ActorState.Sleeping, null, Now), (after.State, after.Error, after.SleepTs));

        // Whoever was starting it may die before the next try.
        Assert.Equal(policy == "Restart" ? Now + 1000 : 0, after.RescheduleTs);
    }

    [Theory]
    [InlineData("Sleep", "Crashed", 0L)]
    [InlineData("Restart", "Crashed", Now + 1000)]
    [InlineData("Destroy", "Destroyed", 0L)]
    public void StartFailed_Final_AsTheCrashPolicySays(string policy, string state, long reschedule)
    {
        var before = Actor(ActorState.Starting, Enum.Parse<CrashPolicy>(policy));
        var error = new ActorError(ActorErrorKind.RunnerNoResponse, "r1");

        var after = ActorLifecycle.StartFailed(before, 5, error, true, Timing, Now)!;

        AssertReleased(before, after);
        Assert.Equal((State(state), error, reschedule), (after.State, after.Error, after.RescheduleTs));
        Assert.Equal(state == "Destroyed" ? Now : 0, after.DestroyTs);
        Assert.Equal(state == "Crashed" ? Now : 0, after.SleepTs);
    }

    [Fact]
    public void StartFailed_CrashedWithAForeignMessage_Cleaned()
    {
        var after = ActorLifecycle.StartFailed(Actor(ActorState.Starting), 5, new(ActorErrorKind.Crashed, Message: "a\nb"), true, Timing, Now)!;

        Assert.Equal("ab", after.Error!.Message);
    }

    [Theory]
    [InlineData("Starting", 4)]
    [InlineData("Ready", 5)]
    [InlineData("Sleeping", 5)]
    [InlineData("Stopping", 5)]
    [InlineData("Destroyed", 5)]
    public void StartFailed_OtherGenerationOrState_Refused(string state, long generation)
        => Assert.Null(ActorLifecycle.StartFailed(Actor(State(state)), generation, new(ActorErrorKind.InternalError), true, Timing, Now));

    [Fact]
    public void Disowned_Ready_SleepsWithoutError()
    {
        var before = Actor(ActorState.Ready, CrashPolicy.Destroy);

        var after = ActorLifecycle.Disowned(before, 5, Timing, Now)!;

        AssertReleased(before, after);
        Assert.Equal((ActorState.Sleeping, null), (after.State, after.Error));
    }

    [Theory]
    [InlineData("Ready", 4)]
    [InlineData("Starting", 5)]
    [InlineData("Sleeping", 5)]
    [InlineData("Stopping", 5)]
    [InlineData("Destroyed", 5)]
    public void Disowned_OtherGenerationOrState_Refused(string state, long generation)
        => Assert.Null(ActorLifecycle.Disowned(Actor(State(state)), generation, Timing, Now));

    [Theory]
    [InlineData("Ready", "Sleep", "Crashed")]
    [InlineData("Ready", "Restart", "Crashed")]
    [InlineData("Ready", "Destroy", "Destroyed")]
    public void RunnerLost_Ready_ConnectionLostAndTheCrashPolicy(string state, string policy, string expected)
    {
        var before = Actor(State(state), Enum.Parse<CrashPolicy>(policy));

        var after = ActorLifecycle.RunnerLost(before, Timing, Now);

        AssertReleased(before, after);
        Assert.Equal((State(expected), new(ActorErrorKind.RunnerConnectionLost, "r1")), (after.State, after.Error));
        Assert.Equal(policy == "Restart" ? Now + 1000 : 0, after.RescheduleTs);
    }

    [Theory]
    [InlineData("Starting")]
    [InlineData("Stopping")]
    public void RunnerLost_StartingOrStopping_SleepsWithoutError(string state)
    {
        var before = Actor(State(state), CrashPolicy.Destroy);

        var after = ActorLifecycle.RunnerLost(before, Timing, Now);

        AssertReleased(before, after);
        Assert.Equal((ActorState.Sleeping, null), (after.State, after.Error));
    }

    [Theory]
    [InlineData("Sleeping")]
    [InlineData("Destroyed")]
    public void RunnerLost_NoSlot_Unchanged(string state)
    {
        var actor = Actor(State(state));

        Assert.Same(actor, ActorLifecycle.RunnerLost(actor, Timing, Now));
    }

    [Fact]
    public void RunnerMoved_NewAddress_OnlyThatAndTheRevision()
    {
        var before = Actor(ActorState.Ready);
        var address = Runner with { Location = new RunnerLocation.Http("http://127.0.0.1:9002", RunnerProtocol.Http1) };

        Assert.Equal(before with { Runner = address, Revision = 21 }, ActorLifecycle.RunnerMoved(before, address));
        Assert.Same(before, ActorLifecycle.RunnerMoved(before, Runner with { }));
    }

    [Theory]
    [InlineData("Sleeping")]
    [InlineData("Starting")]
    [InlineData("Ready")]
    [InlineData("Stopping")]
    public void Destroy_AnyState_DestroyedWithoutInput(string state)
    {
        var before = Actor(State(state));

        var after = ActorLifecycle.Destroy(before, Now);

        AssertReleased(before, after);
        Assert.Equal((ActorState.Destroyed, Now, null, before.Error), (after.State, after.DestroyTs, after.Input, after.Error));
        Assert.Same(after, ActorLifecycle.Destroy(after, Now + 1));
    }

    [Fact]
    public void AwaitCapacity_RestartIsDue_PutOff()
    {
        var due = Actor(ActorState.Crashed, CrashPolicy.Restart) with { RescheduleTs = Now };

        var after = ActorLifecycle.AwaitCapacity(due, Timing, Now);

        Assert.Equal((ActorState.Pending, Now + 1000), (after.State, after.RescheduleTs));
        Assert.Same(after, ActorLifecycle.AwaitCapacity(after, Timing, Now + 999));
        Assert.Equal(Now + 2000, ActorLifecycle.AwaitCapacity(after, Timing, Now + 1000).RescheduleTs);
    }

    [Fact]
    public void Fail_RestartAgainAndAgain_DelayDoublesUpToTheLongest()
    {
        var actor = Actor(ActorState.Starting, CrashPolicy.Restart);
        var delays = new List<long>();
        for (var i = 0; i < 8; i++)
        {
            var crashed = ActorLifecycle.StartFailed(actor, actor.Generation, Crash, true, Timing, Now)!;
            delays.Add(crashed.RescheduleTs - Now);
            actor = ActorLifecycle.BeginStart(crashed, Runner, "g", "s", Now);
        }

        Assert.Equal([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000], delays);
    }

    [Theory]
    [InlineData(599_999, 8000)]
    [InlineData(600_000, 1000)]
    public void Fail_RestartAfterAQuietRun_BeginsWithTheFirstDelay(long readyForMs, long delay)
    {
        var ready = Actor(ActorState.Ready, CrashPolicy.Restart) with { Restarts = 3, ConnectableTs = Now - readyForMs };

        Assert.Equal(Now + delay, ActorLifecycle.RunnerLost(ready, Timing, Now).RescheduleTs);
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(500, 1500)]
    [InlineData(1000, 2000)]
    public void Delay_Jitter_HalfToAll(int jitter, long delay) => Assert.Equal(delay, (Timing with { Jitter = jitter }).Delay(0));

    [Fact]
    public void BeginStop_Ready_StoppingWithItsSlot()
    {
        var before = Actor(ActorState.Ready);

        var after = ActorLifecycle.BeginStop(before, Now + 9)!;

        Assert.Equal((ActorState.Stopping, 5L, 21L), (after.State, after.Generation, after.Revision));
        Assert.Equal((Runner, Now + 9, 0L), (after.Runner, after.StopDeadlineTs, after.ConnectableTs));
    }

    [Theory]
    [InlineData("Sleeping")]
    [InlineData("Pending")]
    [InlineData("Crashed")]
    [InlineData("Starting")]
    [InlineData("Stopping")]
    [InlineData("Destroyed")]
    public void BeginStop_OtherState_Refused(string state) => Assert.Null(ActorLifecycle.BeginStop(Actor(State(state)), Now));

    [Theory]
    [InlineData("Sleep", 0L)]
    [InlineData("Restart", Now)]
    [InlineData("Destroy", 0L)]
    public void CommitStopped_Stopping_SleepsAndARestartIsDueAtOnce(string policy, long reschedule)
    {
        var before = Actor(ActorState.Stopping, Enum.Parse<CrashPolicy>(policy));

        var after = ActorLifecycle.CommitStopped(before, 5, Now)!;

        AssertReleased(before, after);
        Assert.Equal((ActorState.Sleeping, null, reschedule), (after.State, after.Error, after.RescheduleTs));
        Assert.Null(ActorLifecycle.CommitStopped(before, 4, Now));
        Assert.Null(ActorLifecycle.CommitStopped(Actor(ActorState.Ready), 5, Now));
    }

    [Theory]
    [InlineData("Ready", "Sleep", "Crashed", 0L)]
    [InlineData("Stopping", "Restart", "Crashed", Now)]
    [InlineData("Stopping", "Destroy", "Destroyed", 0L)]
    public void DrainTimedOut_ReadyOrStopping_AsTheCrashPolicySays(string state, string policy, string expected, long reschedule)
    {
        var before = Actor(State(state), Enum.Parse<CrashPolicy>(policy));

        var after = ActorLifecycle.DrainTimedOut(before, Timing, Now);

        AssertReleased(before, after);
        Assert.Equal((State(expected), new(ActorErrorKind.RunnerDrainingTimeout, "r1"), reschedule), (after.State, after.Error, after.RescheduleTs));
    }

    [Fact]
    public void DrainTimedOut_Starting_MayBeTriedElsewhere()
    {
        var after = ActorLifecycle.DrainTimedOut(Actor(ActorState.Starting), Timing, Now);

        Assert.Equal((ActorState.Sleeping, null), (after.State, after.Error));
        Assert.Same(after, ActorLifecycle.DrainTimedOut(after, Timing, Now));
    }

    [Theory]
    [InlineData("Ready", "Stopped", 0L)]
    [InlineData("Ready", "Sleep", 0L)]
    [InlineData("Starting", "Sleep", 0L)]
    [InlineData("Starting", "Stopped", Now + 1000)]
    [InlineData("Stopping", "Stopped", Now)]
    [InlineData("Stopping", "Sleep", Now)]
    public void Apply_EndWithRestart_OnlyAgainstItsWillItStartsAgain(string state, string kind, long reschedule)
    {
        var actor = Actor(State(state), CrashPolicy.Restart);

        var (result, after) = ActorLifecycle.Apply(actor, "r1", new(actor.Id, 5, Enum.Parse<RunnerEventKind>(kind), null), Timing, Now);

        Assert.Equal((RunnerEventResult.Ok, ActorState.Sleeping, reschedule), (result, after.State, after.RescheduleTs));
    }
}
