using Guard.Core.State.Serverless;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Serverless;

public sealed class ConnectBackoffTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConnectBackoff _backoff;

    public ConnectBackoffTests() => _backoff = new(_time, new Random(1));

    /// <summary>One that is begun now fails at once; how long the next has to wait.</summary>
    private TimeSpan Fail()
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _backoff.Failed(_time.GetTimestamp());
        return _backoff.Left;
    }

    [Fact]
    public void Failed_AgainAndAgain_HalfToAllOfTwoSecondsDoubledUpTo512()
    {
        foreach (var most in new[] { 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512 })
        {
            var wait = Fail().TotalSeconds;
            Assert.InRange(wait, most / 2.0, most);
            _time.Advance(TimeSpan.FromSeconds(wait) + TimeSpan.FromMicroseconds(1));
            Assert.Equal(TimeSpan.Zero, _backoff.Left);
            Assert.True(_backoff.IsFailing);
        }
    }

    [Fact]
    public void Failed_ManyOfOneBurst_CountAsOne()
    {
        var begun = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 20; i++)
        {
            _backoff.Failed(begun);
        }

        Assert.InRange(_backoff.Left.TotalSeconds, 1, 2);
        Assert.InRange(Fail().TotalSeconds, 2, 4);
    }

    [Fact]
    public void Failed_TenMinutesAfterTheLast_BeginsAnew()
    {
        Fail();
        Fail();
        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.InRange(Fail().TotalSeconds, 4, 8);

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.InRange(Fail().TotalSeconds, 1, 2);
    }

    [Fact]
    public void Succeeded_BegunLater_EndsTheWaitAndKeepsTheCount()
    {
        Fail();
        _time.Advance(TimeSpan.FromMilliseconds(1));

        _backoff.Succeeded(_time.GetTimestamp());

        Assert.False(_backoff.IsFailing);
        Assert.Equal(TimeSpan.Zero, _backoff.Left);
        Assert.InRange(Fail().TotalSeconds, 2, 4);
    }

    [Fact]
    public void Succeeded_OfTheBurstThatFailed_ChangesNothing()
    {
        var begun = _time.GetTimestamp();
        Fail();

        _backoff.Succeeded(begun);

        Assert.True(_backoff.IsFailing);
        Assert.NotEqual(TimeSpan.Zero, _backoff.Left);
    }

    [Fact]
    public void EndedSoon_AmongFailures_WaitsAFirstStepAndDoesNotCount()
    {
        for (var i = 0; i < 4; i++)
        {
            _backoff.Failed(_time.GetTimestamp());
            _time.Advance(TimeSpan.FromMinutes(5));
        }

        for (var i = 0; i < 10; i++)
        {
            var begun = _time.GetTimestamp();
            _backoff.Succeeded(begun);
            _time.Advance(TimeSpan.FromSeconds(3));
            _backoff.EndedSoon(begun);
            Assert.InRange(_backoff.Left, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        _backoff.Failed(_time.GetTimestamp());
        Assert.InRange(_backoff.Left, TimeSpan.FromSeconds(16), TimeSpan.FromSeconds(32));
    }
}
