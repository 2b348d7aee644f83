using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Core.Tests.Model.Actors;

/// <summary>Every event in every state.</summary>
public sealed class ActorLifecycleEventTests
{
    private const long Now = 1_000_000;

    private static readonly RunnerAddress Runner = new("r1", new RunnerLocation.Http("http://127.0.0.1:9001", RunnerProtocol.Http1));

    private static ActorRecord Actor(ActorState state, CrashPolicy policy = CrashPolicy.Sleep) => new()
    {
        Id = ActorId.New(1),
        Pool = new("default", "lobbies"),
        Name = "lobby",
        CrashPolicy = policy,
        State = state,
        Generation = 5,
        Revision = 20,
        Runner = ActorLifecycle.HoldsSlot(state) ? Runner : null,
    };

    private static (RunnerEventResult Result, ActorRecord Actor) Tell(
        ActorRecord actor, RunnerEventKind kind, long generation = 5, string runner = "r1", string? message = "boom")
        => ActorLifecycle.Apply(actor, runner, new(actor.Id, generation, kind, message), new RestartTiming(2000, 60_000, 600_000, 0), Now);

    [Theory]
    [InlineData("Starting", "Ready", "Ready")]
    [InlineData("Starting", "Stopped", "Sleeping")]
    [InlineData("Starting", "Sleep", "Sleeping")]
    [InlineData("Starting", "Crashed", "Crashed")]
    [InlineData("Starting", "Destroy", "Destroyed")]
    [InlineData("Ready", "Stopped", "Sleeping")]
    [InlineData("Ready", "Sleep", "Sleeping")]
    [InlineData("Ready", "Crashed", "Crashed")]
    [InlineData("Ready", "Destroy", "Destroyed")]
    [InlineData("Stopping", "Stopped", "Sleeping")]
    [InlineData("Stopping", "Sleep", "Sleeping")]
    [InlineData("Stopping", "Crashed", "Crashed")]
    [InlineData("Stopping", "Destroy", "Destroyed")]
    public void Apply_HeldByThatRunner_Ok(string state, string kind, string expected)
    {
        var (result, after) = Tell(Actor(Enum.Parse<ActorState>(state)), Enum.Parse<RunnerEventKind>(kind));

        Assert.Equal((RunnerEventResult.Ok, expected, 21L, 5L), (result, after.State.ToString(), after.Revision, after.Generation));
        Assert.Equal(expected == "Ready", after.Runner is not null);
        Assert.Equal(kind == "Crashed" ? new(ActorErrorKind.Crashed, Message: "boom") : null, after.Error);
    }

    [Fact]
    public void Apply_ReadyOfAReadyOne_OkAndUnchanged()
    {
        var actor = Actor(ActorState.Ready);

        var (result, after) = Tell(actor, RunnerEventKind.Ready);

        Assert.Equal(RunnerEventResult.Ok, result);
        Assert.Same(actor, after);
    }

    [Fact]
    public void Apply_ReadyOfAStoppingOne_StaleAndUnchanged()
    {
        var actor = Actor(ActorState.Stopping);

        var (result, after) = Tell(actor, RunnerEventKind.Ready);

        Assert.Equal(RunnerEventResult.Stale, result);
        Assert.Same(actor, after);
    }

    [Theory]
    [InlineData("Sleep", "Crashed", false)]
    [InlineData("Restart", "Crashed", true)]
    [InlineData("Destroy", "Destroyed", false)]
    public void Apply_Crashed_AsTheCrashPolicySays(string policy, string expected, bool rescheduled)
    {
        var (_, after) = Tell(Actor(ActorState.Ready, Enum.Parse<CrashPolicy>(policy)), RunnerEventKind.Crashed);

        Assert.Equal((expected, rescheduled), (after.State.ToString(), after.RescheduleTs != 0));
        Assert.Equal("boom", after.Error!.Message);
    }

    [Fact]
    public void Apply_EveryEventNotOfTheHoldingRunnerAndGeneration_StaleAndUnchanged()
    {
        foreach (var kind in Enum.GetValues<RunnerEventKind>())
        {
            foreach (var state in Enum.GetValues<ActorState>())
            {
                var actor = Actor(state);
                AssertStale(actor, Tell(actor, kind, generation: 4));
                AssertStale(actor, Tell(actor, kind, generation: 6));
                AssertStale(actor, Tell(actor, kind, runner: "r2"));
                if (!ActorLifecycle.HoldsSlot(state))
                {
                    AssertStale(actor, Tell(actor, kind));
                }
            }
        }

        static void AssertStale(ActorRecord actor, (RunnerEventResult Result, ActorRecord Actor) answer)
        {
            Assert.Equal(RunnerEventResult.Stale, answer.Result);
            Assert.Same(actor, answer.Actor);
        }
    }
}
