using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Model.Pools;

public class PoolHealthTests
{
    private const long Ttl = 900_000;
    private static readonly PoolHealthRules Rules = new(ErrorsToTrip: 1, SuccessesToClear: 3, ErrorTtl: Ttl);
    private static readonly PoolError Error = new(PoolErrorKind.ServerlessHttpError, 500, "oops");

    [Fact]
    public void RulesFrom_DefaultOptions_AreThoseOfTheContract()
        => Assert.Equal(new PoolHealthRules(1, 3, 900_000), new LiveOptions(new GuardOptions()).StoreRules().Health);

    [Fact]
    public void ReportError_TripOfOne_TurnsRedWithTheError()
    {
        var health = New().ReportError(Error, 1000, Rules);

        Assert.True(health.IsRed);
        Assert.Equal(1000, health.RedSince);
        Assert.Equal(1, health.Seq);
        Assert.Equal(new ActivePoolError(Error, 1000, 1), health.LastError);
    }

    [Fact]
    public void ReportError_FewerThanTrip_StaysGreenButKeepsTheError()
    {
        var rules = Rules with { ErrorsToTrip = 3 };
        var health = New().ReportError(Error, 1000, rules).ReportError(Error, 1001, rules);

        Assert.False(health.IsRed);
        Assert.Equal(2, health.Errors);
        Assert.Equal(1001, health.LastError!.Timestamp);

        Assert.True(health.ReportError(Error, 1002, rules).IsRed);
    }

    [Fact]
    public void ReportError_SuccessBetweenErrors_CountsAnew()
    {
        var rules = Rules with { ErrorsToTrip = 2 };
        var health = New().ReportError(Error, 1, rules).ReportSuccess(rules).ReportError(Error, 2, rules);

        Assert.False(health.IsRed);
        Assert.True(health.ReportError(Error, 3, rules).IsRed);
    }

    [Fact]
    public void ReportError_RedPool_RenewsTheErrorAndKeepsSince()
    {
        var other = new PoolError(PoolErrorKind.ServerlessStreamEndedEarly);
        var health = New().ReportError(Error, 1000, Rules).ReportError(other, 2000, Rules);

        Assert.Equal(1000, health.RedSince);
        Assert.Equal(new ActivePoolError(other, 2000, 2), health.LastError);
    }

    [Fact]
    public void ReportError_RedPoolAfterSuccessesWithHigherTrip_StaysRedAndRestartsTheRun()
    {
        var rules = Rules with { ErrorsToTrip = 2 };
        var health = New().ReportError(Error, 1, rules).ReportError(Error, 2, rules)
            .ReportSuccess(rules).ReportSuccess(rules).ReportError(Error, 3, rules);

        Assert.True(health.IsRed);
        Assert.Equal(0, health.Successes);
        Assert.True(health.ReportSuccess(rules).ReportSuccess(rules).IsRed);
    }

    [Fact]
    public void ReportError_CountAtItsMaximum_DoesNotOverflow()
    {
        var rules = Rules with { ErrorsToTrip = int.MaxValue };
        var health = New();
        for (var i = 0; i < 10; i++)
        {
            health = health.ReportError(Error, i, rules);
        }

        Assert.Equal(10, health.Errors);
        Assert.False(health.IsRed);
    }

    [Fact]
    public void ReportSuccess_FewerThanClear_StaysRedWithItsError()
    {
        var health = New().ReportError(Error, 1000, Rules).ReportSuccess(Rules).ReportSuccess(Rules);

        Assert.True(health.IsRed);
        Assert.Equal(2, health.Successes);
        Assert.Equal(3, health.Seq);
        Assert.Equal(1, health.LastError!.Seq);
    }

    [Fact]
    public void ReportSuccess_EnoughInARow_TurnsGreenWithoutError()
    {
        var health = New().ReportError(Error, 1000, Rules).ReportSuccess(Rules).ReportSuccess(Rules).ReportSuccess(Rules);

        Assert.False(health.IsRed);
        Assert.Null(health.LastError);
        Assert.Equal(3, health.Successes);
        Assert.Equal(4, health.Seq);
    }

    [Fact]
    public void ReportSuccess_Green_RaisesVersionAndCapsTheCount()
    {
        var health = New();
        for (var i = 0; i < 10; i++)
        {
            health = health.ReportSuccess(Rules);
        }

        Assert.Equal(10, health.Seq);
        Assert.Equal(3, health.Successes);
    }

    [Fact]
    public void ReportSuccess_GreenWithError_ForgetsTheError()
    {
        var rules = Rules with { ErrorsToTrip = 2 };

        Assert.Null(New().ReportError(Error, 1, rules).ReportSuccess(rules).LastError);
    }

    [Fact]
    public void ReportSuccess_ClearLoweredMeanwhile_TurnsGreenAtTheNextOne()
    {
        var health = New().ReportError(Error, 1, Rules).ReportSuccess(Rules).ReportSuccess(Rules);

        var cleared = health.ReportSuccess(Rules with { SuccessesToClear = 1 });

        Assert.False(cleared.IsRed);
        Assert.Equal(1, cleared.Successes);
    }

    [Theory]
    [InlineData(Ttl - 1, true)]
    [InlineData(Ttl, false)]
    [InlineData(Ttl + 1, false)]
    [InlineData(-5000, true)]
    public void Expire_Red_TurnsGreenAtTheTtlExactly(long after, bool red)
    {
        var health = New().ReportError(Error, 1_000_000, Rules);

        var later = health.Expire(1_000_000 + after, Rules);

        Assert.Equal(red, later.IsRed);
        Assert.Equal(red ? 1 : 2, later.Seq);
        Assert.Equal(red, later.LastError is not null);
        Assert.Equal(red, ReferenceEquals(health, later));
    }

    [Fact]
    public void Expire_ErrorRepeated_CountsFromTheLast()
    {
        var health = New().ReportError(Error, 1000, Rules).ReportError(Error, 1000 + Ttl - 1, Rules);

        Assert.True(health.Expire(1000 + Ttl, Rules).IsRed);
        Assert.False(health.Expire(1000 + Ttl + Ttl - 1, Rules).IsRed);
    }

    [Fact]
    public void Expire_GreenWithErrors_CountsAnew()
    {
        var rules = Rules with { ErrorsToTrip = 2 };
        var health = New().ReportError(Error, 1, rules).Expire(1 + Ttl, rules);

        Assert.Equal(0, health.Errors);
        Assert.Null(health.LastError);
        Assert.Equal(2, health.Seq);
        Assert.False(health.ReportError(Error, 2 + Ttl, rules).IsRed);
    }

    [Fact]
    public void Expire_NoError_ChangesNothing()
    {
        var health = New().ReportSuccess(Rules);

        Assert.Same(health, health.Expire(long.MaxValue, Rules));
    }

    [Fact]
    public void ToSnapshot_Red_HasEveryField()
    {
        var pool = new PoolId("n", "p");

        var snapshot = New().ReportError(Error, 1000, Rules).ReportSuccess(Rules).ToSnapshot(pool);

        Assert.Equal(new PoolHealthSnapshot(pool, 7, 2, true, new ActivePoolError(Error, 1000, 1), 1, 1000), snapshot);
    }

    [Fact]
    public void IsNewsAfter_EachStep_TellsColourErrorsAndSuccessesWhileRed()
    {
        var rules = Rules with { ErrorsToTrip = 2 };
        var one = New().ReportError(Error, 1, rules);
        var red = one.ReportError(Error, 2, rules);
        var again = red.ReportError(Error, 2, rules);
        var better = again.ReportSuccess(rules);
        var green = better.ReportSuccess(rules).ReportSuccess(rules);

        Assert.False(New().ReportSuccess(rules).IsNewsAfter(null));
        Assert.True(one.IsNewsAfter(null));
        Assert.True(red.IsNewsAfter(one));
        Assert.True(again.IsNewsAfter(red));
        Assert.True(better.IsNewsAfter(again));
        Assert.True(green.IsNewsAfter(better));
        Assert.False(green.ReportSuccess(rules).IsNewsAfter(green));
        Assert.True(one.ReportSuccess(rules).IsNewsAfter(one));
        Assert.False(red.GrantProbe(1, 5).IsNewsAfter(red));
    }

    private static PoolHealth New() => new() { Epoch = 7 };
}
