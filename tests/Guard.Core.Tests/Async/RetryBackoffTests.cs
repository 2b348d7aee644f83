using Guard.Core.Async;
using Guard.Core.Options;

namespace Guard.Core.Tests.Async;

public sealed class RetryBackoffTests
{
    [Fact]
    public void Next_Retries_FullJitterBelowDoublingCeiling()
    {
        var options = new RetryOptions { BaseDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(2) };
        for (var retry = 0; retry < 40; retry++)
        {
            var ceiling = TimeSpan.FromMilliseconds(Math.Min(100 * Math.Pow(2, retry), 2000));
            var delays = Enumerable.Range(0, 200).Select(_ => RetryBackoff.Next(retry, options, TimeSpan.MaxValue, Random.Shared)).ToArray();

            Assert.All(delays, d => Assert.InRange(d, TimeSpan.Zero, ceiling));
            Assert.True(delays.Min() < ceiling / 2 && delays.Max() > ceiling / 2);
        }
    }

    [Fact]
    public void Next_LittleTimeLeft_NeverPastTheDeadline()
    {
        var options = new RetryOptions();
        Assert.InRange(RetryBackoff.Next(9, options, TimeSpan.FromMilliseconds(5), Random.Shared), TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
        Assert.Equal(TimeSpan.Zero, RetryBackoff.Next(9, options, TimeSpan.FromMilliseconds(-5), Random.Shared));
    }
}
