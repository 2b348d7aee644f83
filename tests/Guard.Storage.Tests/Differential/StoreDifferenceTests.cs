using System.Globalization;
using Guard.Storage.Tests.Redis;
using Guard.TestSupport;

namespace Guard.Storage.Tests.Differential;

/// <summary>
/// The stores are one: whole histories run on the embedded store, on a Redis and on a Redis Cluster in lock-step, and agree after every
/// step. <c>GUARD_STORE_HISTORIES</c> says how many run, <c>GUARD_STORE_SEED</c> from which seed on.
/// </summary>
public sealed class StoreDifferenceTests(ITestOutputHelper output)
{
    private const int UsualHistories = 150;

    [Fact]
    public async Task Histories_OnEveryStore_AgreeAfterEachStep()
    {
        var draw = new StepDraw();
        await using var server = await RedisServer.StartAsync();
        await using var cluster = await RedisCluster.StartAsync();
        await using var redis = new RedisSide("redis", [server.Address], Lockstep.AllPools, draw);
        await using var clustered = new RedisSide("cluster", cluster.Addresses, Lockstep.AllPools, draw);
        await redis.StartAsync();
        await clustered.StartAsync();
        await using var memory = new MemorySide("memory", draw);
        var (first, count) = (Number("GUARD_STORE_SEED", 1), Number("GUARD_STORE_HISTORIES", UsualHistories));
        for (var seed = first; seed < first + count; seed++)
        {
            // Redis runs the same scripts alone and in a cluster: where there is little time the latter need not be part of each history.
            IReadOnlyList<StoreSide> sides = count > UsualHistories || seed % 3 == 0 ? [memory, redis, clustered] : [memory, redis];
            if (await FindAsync(sides, draw, seed) is { } difference)
            {
                Assert.Fail(difference);
            }
        }

        output.WriteLine($"{count} histories from seed {first} on: no difference");
    }

    [Fact]
    public async Task FindAsync_StoresThatDiffer_NamesSeedAndFewSteps()
    {
        var draw = new StepDraw();
        await using var one = new MemorySide("one", draw);
        await using var other = new MemorySide("other", draw, options => new()
        {
            Actors = options.Actors,
            PoolHealth = options.PoolHealth,
            Readiness = options.Readiness,
            Runners = { EligibleAfter = options.Runners.EligibleAfter + TimeSpan.FromMilliseconds(1) },
        });
        string? found = null;
        for (var seed = 1; found is null && seed < 100; seed++)
        {
            found = await FindAsync([one, other], draw, seed);
        }

        Assert.Contains("seed", found, StringComparison.Ordinal);
        var steps = found!.Split('\n').Count(line => line.StartsWith("    ", StringComparison.Ordinal));
        Assert.True(steps is >= 1 and <= 8, found);
    }

    /// <summary>How the stores differ in the history of that seed, with the fewest steps that show it; null when they do not.</summary>
    private static async Task<string?> FindAsync(IReadOnlyList<StoreSide> sides, StepDraw draw, int seed)
    {
        var history = History.Of(seed);
        Task<(int Step, string How)?> RunAsync(IReadOnlyList<HistoryStep> some) => new Lockstep(sides, draw, history).RunAsync(some);
        if (await RunAsync(history.Steps) is not { } found)
        {
            return null;
        }

        var (shrunk, how) = await History.ShrinkAsync(history.Steps, found, RunAsync);
        return $"the stores differ in the history of seed {seed} at step {found.Step}; these steps show it:\n    {string.Join("\n    ", shrunk)}\n{how}";
    }

    private static int Number(string variable, int usual)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : usual;
}
