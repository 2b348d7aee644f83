using Guard.Core.Errors;
using Guard.Core.Transport;

namespace Guard.Core.Tests.Transport;

public sealed class ReplayRulesTests
{
    [Fact]
    public void Next_NotReached_AlwaysAgainBackedOffFromTheSecond()
    {
        var first = Next(new(ForwardStatus.NotReached), new TryCounts(0, 1, 0), canReplay: true);
        var later = Next(new(ForwardStatus.NotReached), new TryCounts(0, 50, 0), canReplay: true);

        Assert.Equal(new ReplayDecision(ReplayStep.ResolveAgain, null, "not_reached"), first);
        Assert.Equal(new ReplayDecision(ReplayStep.ResolveAfterBackoff, null, "not_reached"), later);
    }

    [Theory]
    [InlineData(1, true, (int)ReplayStep.ResolveAgain)]
    [InlineData(1, false, (int)ReplayStep.GiveUp)]
    [InlineData(2, true, (int)ReplayStep.GiveUp)]
    public void Next_NotMyActor_OnceMoreIfReplayable(int replies, bool canReplay, int expected)
    {
        var next = Next(new(ForwardStatus.NotMyActor), new TryCounts(replies, 0, replies), canReplay);

        Assert.Equal((ReplayStep)expected, next.Step);
        Assert.Equal(next.Step == ReplayStep.GiveUp ? "guard.service_unavailable" : null, next.Error?.FullCode);
        Assert.Equal(next.Step == ReplayStep.GiveUp ? null : "not_my_actor", next.Reason);
    }

    [Theory]
    [InlineData(1, (int)ReplayStep.ResolveAfterBackoff)]
    [InlineData(3, (int)ReplayStep.ResolveAfterBackoff)]
    [InlineData(4, (int)ReplayStep.GiveUp)]
    public void Next_FailedTry_UpToMaxAttempts(int sent, int expected)
    {
        var next = Next(new(ForwardStatus.FailedTry, LastError: "guard.service_unavailable"), new TryCounts(sent, 0, 0), canReplay: true);

        Assert.Equal((ReplayStep)expected, next.Step);
        if (next.Step == ReplayStep.GiveUp)
        {
            Assert.Equal("guard.retry_attempts_exceeded", next.Error!.FullCode);
            Assert.Equal((4, "guard.service_unavailable"), (next.Error.Metadata!.Attempts, next.Error.Metadata.LastError));
        }
    }

    [Fact]
    public void Next_Failed_GivesUpWithItsError()
    {
        var error = GuardErrors.UpstreamError("request", null);

        Assert.Equal(new ReplayDecision(ReplayStep.GiveUp, error), Next(new(ForwardStatus.Failed, error), new TryCounts(1, 0, 0), canReplay: true));
    }

    [Theory]
    [InlineData((int)ForwardStatus.Done)]
    [InlineData((int)ForwardStatus.ClientGone)]
    public void Next_Over_Ends(int status)
        => Assert.Equal(new ReplayDecision(ReplayStep.End), Next(new((ForwardStatus)status), new TryCounts(1, 0, 0), canReplay: true));

    [Fact]
    public void TryCounts_Add_CountsByOutcome()
    {
        var counts = default(TryCounts).Add(ForwardStatus.NotReached).Add(ForwardStatus.NotMyActor).Add(ForwardStatus.FailedTry);

        Assert.Equal(new TryCounts(2, 1, 1), counts);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("HEAD", true)]
    [InlineData("OPTIONS", true)]
    [InlineData("PUT", true)]
    [InlineData("DELETE", true)]
    [InlineData("TRACE", true)]
    [InlineData("POST", false)]
    [InlineData("PATCH", false)]
    [InlineData("CONNECT", false)]
    [InlineData("PROPFIND", false)]
    public void IsIdempotent_Method_AsListed(string method, bool expected) => Assert.Equal(expected, ReplayRules.IsIdempotent(method));

    private static ReplayDecision Next(ForwardOutcome outcome, TryCounts tries, bool canReplay)
        => ReplayRules.Next(outcome, tries, canReplay, maxAttempts: 4, "actor", TimeSpan.FromSeconds(1));
}
