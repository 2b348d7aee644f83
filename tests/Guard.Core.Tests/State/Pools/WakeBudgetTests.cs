using Guard.Core.Options;
using Guard.Core.Request.Readiness;
using Guard.Model.Ids;

namespace Guard.Core.Tests.State.Pools;

public sealed class WakeBudgetTests
{
    private static readonly PoolId Pool = new("default", "a");
    private static readonly PoolId OtherPool = new("default", "b");

    [Fact]
    public void TryTake_Off_Always()
    {
        var budget = new WakeBudget(new(new()));

        Assert.All(Enumerable.Range(0, 1000), _ => Assert.True(budget.TryTake(Pool, out var _)));
    }

    [Fact]
    public void TryTake_Spent_RefusedUntilTheNextComesAndOnlyThatPool()
    {
        var options = new GuardOptions { Limits = { WakesPerPool = 4, WakeWindow = TimeSpan.FromHours(1) } };
        var budget = new WakeBudget(new(options));

        Assert.All(Enumerable.Range(0, 4), _ => Assert.True(budget.TryTake(Pool, out var _)));
        Assert.False(budget.TryTake(Pool, out var retryAfter));
        Assert.InRange(retryAfter, TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(15));
        Assert.True(budget.TryTake(OtherPool, out _));
    }

    [Fact]
    public void TryTake_Reloaded_NewTerms()
    {
        var live = new LiveOptions(new GuardOptions { Limits = { WakesPerPool = 1, WakeWindow = TimeSpan.FromHours(1) } });
        var budget = new WakeBudget(live);
        Assert.True(budget.TryTake(Pool, out _));
        Assert.False(budget.TryTake(Pool, out _));

        live.Publish(new GuardOptions { Limits = { WakesPerPool = 2, WakeWindow = TimeSpan.FromHours(1) } });

        Assert.True(budget.TryTake(Pool, out _));
    }
}
