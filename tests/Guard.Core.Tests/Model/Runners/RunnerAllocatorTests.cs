using Guard.Model.Ids;
using Guard.Model.Runners;

namespace Guard.Core.Tests.Model.Runners;

public sealed class RunnerAllocatorTests
{
    private static readonly TimeSpan EligibleAfter = TimeSpan.FromSeconds(10);
    private static readonly PoolId Pool = new("default", "lobbies");

    private static RunnerCandidate Runner(string id, int free = 5, int version = 1, double silent = 0, bool isStatic = false, long drain = 0, long stop = 0)
        => new(
            new()
            {
                Address = new(id, new RunnerLocation.Http("http://127.0.0.1:1", RunnerProtocol.Http1)),
                Pool = Pool,
                Key = id,
                Version = version,
                TotalSlots = 10,
                RemainingSlots = free,
                IsStatic = isStatic,
                DrainRequestTs = drain,
                StopTs = stop,
            },
            TimeSpan.FromSeconds(silent));

    private static string? Choose(int seed, string[] exclude, params RunnerCandidate[] candidates)
        => RunnerAllocator.Choose(candidates, exclude, EligibleAfter, new Random(seed))?.RunnerId;

    /// <summary>The choice whatever the random numbers are.</summary>
    private static string? Always(params RunnerCandidate[] candidates)
        => Assert.Single(Enumerable.Range(0, 50).Select(seed => Choose(seed, [], candidates)).Distinct());

    [Fact]
    public void Choose_None_Null() => Assert.Null(Always());

    [Fact]
    public void Choose_OnlyRunnersThatCannotServe_Null()
        => Assert.Null(Always(
            Runner("full", free: 0), Runner("draining", drain: 1), Runner("stopped", stop: 1), Runner("silent", silent: 10)));

    [Fact]
    public void Choose_HeartbeatJustYoungEnough_Eligible() => Assert.Equal("a", Always(Runner("a", silent: 9.999)));

    [Fact]
    public void Choose_StaticAndSilent_Eligible()
    {
        Assert.Equal("a", Always(Runner("a", silent: 1e6, isStatic: true)));
        Assert.Null(Always(Runner("a", isStatic: true, drain: 1)));
    }

    [Fact]
    public void Choose_Excluded_LeftOut()
    {
        Assert.Equal("b", Choose(1, ["a", "c"], Runner("a", version: 9), Runner("b"), Runner("c")));
        Assert.Null(Choose(1, ["a"], Runner("a")));
    }

    [Fact]
    public void Choose_SeveralVersions_NewestEvenIfFuller()
    {
        Assert.Equal("new", Always(Runner("old", free: 9), Runner("new", free: 1, version: 2), Runner("older", free: 9, version: 0)));
        Assert.Equal("new", Always(Runner("new", free: 1, version: 2), Runner("old", free: 9)));
    }

    [Fact]
    public void Choose_NewestVersionCannotServe_NextNewestDoes()
    {
        Assert.Equal("b", Always(Runner("a", version: 1), Runner("b", version: 2), Runner("c", free: 0, version: 3)));
        Assert.Equal("b", Always(Runner("c", version: 3, drain: 1), Runner("b", version: 2), Runner("a", version: 1)));
        Assert.Equal("b", Always(Runner("c", version: 3, silent: 11), Runner("b", version: 2), Runner("a", version: 1)));
    }

    [Fact]
    public void Choose_TwoRunners_MostFree()
    {
        Assert.Equal("b", Always(Runner("a", free: 3), Runner("b", free: 4)));
        Assert.Equal("a", Always(Runner("a", free: 4), Runner("b", free: 3)));
    }

    [Fact]
    public void Choose_EquallyFree_EachInTurn()
    {
        var random = new Random(7);
        var candidates = new[] { Runner("a"), Runner("b"), Runner("c"), Runner("d") };
        var counts = Enumerable.Range(0, 4000)
            .GroupBy(_ => RunnerAllocator.Choose(candidates, [], EligibleAfter, random)!.RunnerId)
            .ToDictionary(g => g.Key, g => g.Count());

        Assert.Equal(4, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 900, 1100));
    }

    [Fact]
    public void Choose_OneFullerThanTheRest_OnlyChosenNever()
    {
        // Of two drawn it never wins; all others share evenly.
        var random = new Random(7);
        var candidates = new[] { Runner("full", free: 1), Runner("b"), Runner("c") };
        var chosen = Enumerable.Range(0, 1000).Select(_ => RunnerAllocator.Choose(candidates, [], EligibleAfter, random)!.RunnerId).ToHashSet();

        Assert.Equal(["b", "c"], chosen.Order());
    }

    [Fact]
    public void Choose_OneEmptierThanTheRest_FavouredButNotAlone()
    {
        // Power of two choices over four: drawn in half of the samples.
        var random = new Random(7);
        var candidates = new[] { Runner("a"), Runner("empty", free: 10), Runner("c"), Runner("d") };
        var favoured = Enumerable.Range(0, 4000).Count(_ => RunnerAllocator.Choose(candidates, [], EligibleAfter, random)!.RunnerId == "empty");

        Assert.InRange(favoured, 1850, 2150);
    }
}
