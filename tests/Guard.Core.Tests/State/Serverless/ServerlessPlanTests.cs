using Guard.Core.State.Serverless;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Core.Tests.State.Serverless;

public sealed class ServerlessPlanTests
{
    private static readonly ServerlessPoolConfig Endpoint = new() { Url = "http://fn.test", RequestLifespan = 3600, SlotsPerRunner = 10, MaxRunners = 100 };
    private static readonly PoolConfig Config = new() { Serverless = Endpoint, DrainGracePeriod = 600 };

    private int _streams;

    private StreamRunner Stream(int actors = 0, double age = 60, int version = 1, bool draining = false, bool leaving = false, int slots = 10, string? terms = null)
        => new($"r{_streams++}", "guard-1", terms ?? StreamTerms.Of(Endpoint), version, slots, actors, TimeSpan.FromSeconds(age), draining, leaving);

    private static ServerlessPlan Plan(
        IReadOnlyList<StreamRunner> streams, int pending = 0, int connecting = 0, PoolConfig? config = null, int? version = null, int peak = 0)
        => ServerlessPlan.Of(new(config ?? Config, streams, pending, connecting, version, peak));

    private static PoolConfig With(ServerlessPoolConfig serverless) => Config with { Serverless = serverless };

    [Theory]
    [InlineData(0, 0, 0, 100, 0)]
    [InlineData(1, 0, 0, 100, 1)]
    [InlineData(10, 0, 0, 100, 1)]
    [InlineData(11, 0, 0, 100, 2)]
    [InlineData(200, 0, 0, 100, 20)]
    [InlineData(200, 2, 0, 100, 22)]
    [InlineData(0, 2, 0, 100, 2)]
    [InlineData(0, 0, 3, 100, 3)]
    [InlineData(0, 2, 3, 100, 3)]
    [InlineData(2000, 5, 0, 100, 100)]
    public void Of_Pending_DesiredIsTheClampedFormula(int pending, int margin, int min, int max, int desired)
    {
        var plan = Plan([], pending, config: With(Endpoint with { RunnersMargin = margin, MinRunners = min, MaxRunners = max }));

        Assert.Equal((desired, desired), (plan.Desired, plan.Connect));
        Assert.Empty(plan.Drain);
    }

    [Fact]
    public void Of_SomeThereAndSomeConnecting_OnlyTheRestIsOpened()
        => Assert.Equal((4, 1), (Plan([Stream(10), Stream(10)], 15, connecting: 1) is var p ? p.Desired : 0, p.Connect));

    [Fact]
    public void Of_ActorsOnDrainingStreams_CountAsTheyComeBack()
    {
        var plan = Plan([Stream(10, draining: true), Stream(5)]);

        Assert.Equal((2, 1), (plan.Desired, plan.Connect));
        Assert.Empty(plan.Drain);
    }

    [Fact]
    public void Of_RunnersOfferFewerSlotsThanAskedFor_MoreAreOpenedForThoseThatWait()
    {
        // ceil(12 / 10) = 2 are there, full with 5 each.
        var plan = Plan([Stream(5, slots: 5), Stream(5, slots: 5)], pending: 2);
        Assert.Equal((3, 1), (plan.Desired, plan.Connect));

        Assert.Equal(0, Plan([Stream(5, slots: 5), Stream(5, slots: 5)], pending: 2, connecting: 1).Connect);
    }

    [Fact]
    public void Of_MoreThanDesired_TheEmptiestGoesFirstAndOfThoseTheOldest()
    {
        var (full, older, newer) = (Stream(9, age: 900), Stream(0, age: 500), Stream(0, age: 100));

        Assert.Equal([older.RunnerId, newer.RunnerId], Plan([newer, full, older]).Drain.Select(s => s.RunnerId));
        Assert.Equal([older.RunnerId], Plan([newer, full, older], peak: 2).Drain.Select(s => s.RunnerId));
        Assert.Empty(Plan([newer, full, older], peak: 7).Drain);
    }

    [Fact]
    public void Of_MaxRunnersLowered_ThePeakDoesNotKeepThem()
        => Assert.Equal(2, Plan([Stream(), Stream(), Stream()], config: With(Endpoint with { MaxRunners = 1 }), peak: 3).Drain.Count);

    [Fact]
    public void Of_NearTheEndOfItsLifespan_ReplacedFirstThenDrained()
    {
        // It is to be drained at 3000 s; its replacement is begun 30 s before.
        Assert.Equal(0, Plan([Stream(3, age: 2969)]).Connect);
        var early = Plan([Stream(3, age: 2971)]);
        Assert.Equal((1, 0), (early.Connect, early.Drain.Count));

        var replacement = Stream(0, age: 1);
        Assert.Empty(Plan([Stream(3, age: 2999), replacement]).Drain);
        Assert.Single(Plan([Stream(3, age: 3001), replacement]).Drain);
        Assert.Empty(Plan([Stream(3, age: 3001)], connecting: 1).Drain);
    }

    [Fact]
    public void Of_NoReplacementToBeHad_ServesOnUntilHalfOfTheGrace()
    {
        Assert.Empty(Plan([Stream(3, age: 3299)]).Drain);

        var plan = Plan([Stream(3, age: 3301)]);
        Assert.Equal((1, 1), (plan.Connect, plan.Drain.Count));
    }

    [Fact]
    public void Of_OldWithNothingToDo_DrainedWithoutReplacement()
    {
        var plan = Plan([Stream(0, age: 3001)]);

        Assert.Equal((0, 1), (plan.Connect, plan.Drain.Count));
    }

    [Fact]
    public void Of_OtherUrlOrHeaders_AllAreReplacedOneByOne()
    {
        var old = new[] { Stream(10, terms: "before"), Stream(10, terms: "before"), Stream(10, terms: "before") };

        Assert.Equal((3, 0), (Plan(old) is var plan ? plan.Connect : 0, plan.Drain.Count));
        var next = Plan([.. old, Stream()], connecting: 2);
        Assert.Equal((0, 1), (next.Connect, next.Drain.Count));
    }

    [Fact]
    public void Of_AtMaxRunners_AReplacementIsOpenedAllTheSame()
    {
        var config = With(Endpoint with { MaxRunners = 2 });
        var plan = Plan([Stream(10, terms: "before"), Stream(10, terms: "before")], pending: 30, config: config);

        Assert.Equal((2, 2), (plan.Desired, plan.Connect));
    }

    [Fact]
    public void Of_ItsGuardLeaves_ReplacedThenDrained()
    {
        Assert.Equal((1, 0), (Plan([Stream(1, leaving: true)]) is var plan ? plan.Connect : 0, plan.Drain.Count));
        Assert.Single(Plan([Stream(1, leaving: true), Stream()]).Drain);
    }

    [Fact]
    public void Of_HigherVersionAnnounced_OlderOnesAreReplacedUnlessThePoolDoesNotDrainOnUpgrade()
    {
        Assert.Equal(1, Plan([Stream(1, version: 1)], version: 2).Connect);
        Assert.Equal(0, Plan([Stream(1, version: 2)], version: 2).Connect);
        Assert.Equal(0, Plan([Stream(1, version: 3)], version: 2).Connect);
        Assert.Equal(0, Plan([Stream(1, version: 1)], version: 2, config: Config with { DrainOnVersionUpgrade = false }).Connect);
    }

    [Fact]
    public void Of_NoRunnerConfigOrNormal_EverythingIsDrainedAndNothingOpened()
    {
        foreach (var config in new[] { null, new PoolConfig() })
        {
            var plan = ServerlessPlan.Of(new(config, [Stream(3), Stream(0, draining: true)], 7, 0));
            Assert.Equal((0, 0, 1), (plan.Desired, plan.Connect, plan.Drain.Count));
        }
    }
}
