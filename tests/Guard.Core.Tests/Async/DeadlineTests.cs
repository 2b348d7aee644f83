using Guard.Core.Async;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.Async;

public sealed class DeadlineTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Left_AsTimePasses_FallsToZeroAndStays()
    {
        var deadline = new Deadline(_time.GetTimestamp(), Seconds(30));

        _time.Advance(Seconds(10));
        Assert.Equal(Seconds(20), deadline.Left(_time));
        _time.Advance(Seconds(30));
        Assert.Equal(TimeSpan.Zero, deadline.Left(_time));
        Assert.Equal(Seconds(40), deadline.Waited(_time));
        Assert.Equal(Seconds(10), _time.GetElapsedTime(deadline.At(_time)));
    }

    [Fact]
    public void Settle_PoolHasItsOwn_CountsFromTheArrival()
    {
        var deadline = new Deadline(_time.GetTimestamp(), Seconds(30));
        _time.Advance(Seconds(10));

        Assert.Equal(Seconds(50), deadline.LeftWithin(Seconds(60), _time));
        Assert.Equal(Seconds(20), deadline.Left(_time));
        deadline.Settle(Seconds(60));

        Assert.Equal(Seconds(50), deadline.Left(_time));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5.0)]
    public void Settle_Again_ChangesNothing(double? own)
    {
        var deadline = new Deadline(_time.GetTimestamp(), Seconds(30));
        deadline.Settle(own is { } seconds ? Seconds(seconds) : null);
        var settled = deadline.Left(_time);

        deadline.Settle(Seconds(60));

        Assert.Equal(settled, deadline.Left(_time));
        Assert.Equal(settled, deadline.LeftWithin(Seconds(60), _time));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
