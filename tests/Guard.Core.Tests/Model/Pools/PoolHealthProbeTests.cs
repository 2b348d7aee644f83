using Guard.Model.Pools;

namespace Guard.Core.Tests.Model.Pools;

public class PoolHealthProbeTests
{
    private const long Interval = 5000;
    private static readonly PoolHealthRules Rules = new(1, 3, 900_000);
    private static readonly PoolError Error = new(PoolErrorKind.InternalError);

    [Fact]
    public void TimeUntilNextProbe_NoneYet_IsNow() => Assert.Equal(0, Red().TimeUntilNextProbe(1, Interval));

    [Theory]
    [InlineData(0, 5000)]
    [InlineData(1, 4999)]
    [InlineData(4999, 1)]
    [InlineData(5000, 0)]
    [InlineData(9000, 0)]
    public void TimeUntilNextProbe_Open_CountsFromTheGrant(long after, long expected)
        => Assert.Equal(expected, Red().GrantProbe(1, 10_000).TimeUntilNextProbe(10_000 + after, Interval));

    [Fact]
    public void TimeUntilNextProbe_ClockSetBack_DoesNotStretchTheInterval()
        => Assert.Equal(0, Red().GrantProbe(1, 10_000).TimeUntilNextProbe(9_000, Interval));

    [Fact]
    public void TimeUntilNextProbe_EndedWithoutSuccess_CountsFromTheGrant()
    {
        var health = Red().GrantProbe(1, 10_000).EndProbe(1, success: false);

        Assert.Equal(4000, health.TimeUntilNextProbe(11_000, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_SuccessButProbeStillOpen_WaitsForItsEnd()
    {
        var health = Red().GrantProbe(1, 10_000).ReportSuccess(Rules);

        Assert.Equal(4000, health.TimeUntilNextProbe(11_000, Interval));
        Assert.Equal(0, health.EndProbe(1, success: true).TimeUntilNextProbe(11_000, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_EndedBeforeItsSuccessWasCounted_IsNow()
    {
        var health = Red().GrantProbe(1, 10_000).EndProbe(1, success: true);

        Assert.Equal(0, health.TimeUntilNextProbe(10_000, Interval));
        Assert.Equal(0, health.ReportSuccess(Rules).TimeUntilNextProbe(10_000, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_ErrorAfterTheSuccess_RestoresTheInterval()
    {
        var health = Red().GrantProbe(1, 10_000).ReportSuccess(Rules).ReportError(Error, 10_100, Rules);

        Assert.Equal(4800, health.EndProbe(1, success: true).TimeUntilNextProbe(10_200, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_InitSucceededButProbeFailed_RestoresTheInterval()
    {
        var health = Red().GrantProbe(1, 10_000).ReportSuccess(Rules).EndProbe(1, success: false);

        Assert.Equal(4800, health.TimeUntilNextProbe(10_200, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_SuccessAfterTheFailedProbe_IsNow()
    {
        var health = Red().GrantProbe(1, 10_000).EndProbe(1, success: false).ReportSuccess(Rules);

        Assert.Equal(0, health.TimeUntilNextProbe(10_200, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_SecondProbeAfterSuccessFails_RestoresTheInterval()
    {
        var health = Red().GrantProbe(1, 10_000).ReportSuccess(Rules).EndProbe(1, success: true)
            .GrantProbe(2, 10_100).EndProbe(2, success: false);

        Assert.Equal(5000, health.TimeUntilNextProbe(10_100, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_SecondProbesGuardDied_BlocksNobodyBeyondTheInterval()
    {
        var health = Red().GrantProbe(1, 10_000).ReportSuccess(Rules).EndProbe(1, success: true).GrantProbe(2, 10_100);

        Assert.Equal(1, health.TimeUntilNextProbe(15_099, Interval));
        Assert.Equal(0, health.TimeUntilNextProbe(15_100, Interval));
    }

    [Fact]
    public void TimeUntilNextProbe_GreenAndRedAgain_KeepsTheIntervalOfTheLastGrant()
    {
        var health = Red().GrantProbe(1, 10_000).EndProbe(1, success: true)
            .ReportSuccess(Rules).ReportSuccess(Rules).ReportSuccess(Rules).ReportError(Error, 11_000, Rules);

        Assert.True(health.IsRed);
        Assert.Equal(4000, health.TimeUntilNextProbe(11_000, Interval));
    }

    [Fact]
    public void EndProbe_OlderProbe_ChangesNothing()
    {
        var health = Red().GrantProbe(1, 10_000).GrantProbe(2, 15_000);

        Assert.Same(health, health.EndProbe(1, success: false));
        Assert.Same(health, health.EndProbe(1, success: true));
    }

    [Fact]
    public void EndProbe_Twice_ChangesNothing()
    {
        var health = Red().GrantProbe(1, 10_000).EndProbe(1, success: true);

        Assert.Same(health, health.EndProbe(1, success: false));
    }

    [Fact]
    public void Probe_GrantAndEnd_LeaveTheVersion()
    {
        var red = Red();

        Assert.Equal(red.Seq, red.GrantProbe(1, 1).EndProbe(1, success: true).Seq);
    }

    private static PoolHealth Red() => new PoolHealth { Epoch = 1 }.ReportError(Error, 1, Rules);
}
