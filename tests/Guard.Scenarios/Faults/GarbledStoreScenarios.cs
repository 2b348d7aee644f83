using Guard.Scenarios.Replicas;
using Guard.Scenarios.Support;
using Guard.TestSupport;

namespace Guard.Scenarios.Faults;

/// <summary>Somebody else writes into Guard's keys: the process lives on, and serves what it has.</summary>
public sealed class GarbledStoreScenarios(ITestOutputHelper output)
{
    /// <summary>Longer than the period of every loop that reads the store.</summary>
    private static readonly TimeSpan Meanwhile = TimeSpan.FromSeconds(1.3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_EachKeyOfAnotherType_TheProcessServesOnAndAllIsWellAfter()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, TwoGuards.OnRedis(redis.Address));
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var ready = await guard.Control.CreateActorAsync("default", Token, key: "ready");
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, ready, Token));
        await guard.Control.ReportPoolErrorAsync("default", Token);

        var keys = (await redis.AskAsync("KEYS", "guard:*")).Split("\r\n").Where(l => l.StartsWith("guard:", StringComparison.Ordinal)).ToArray();
        output.WriteLine(string.Join('\n', keys));
        Assert.Contains("guard:namespaces", keys);
        foreach (var key in keys)
        {
            await redis.AskAsync("RENAME", key, "kept");
            await redis.AskAsync((await redis.AskAsync("TYPE", "kept")).StartsWith("+string", StringComparison.Ordinal) ? ["RPUSH", key, "x"] : ["SET", key, "x"]);
            await Task.Delay(Meanwhile, TimeProvider.System, Token);
            Assert.False(guard.HasExited, $"{key} ended the process: {guard.Output}");
            Assert.Equal((key, "200 /hello"), (key, await TwoGuards.AskAsync(guard, ready, Token)));
            await redis.AskAsync("RENAME", "kept", key);
        }

        await TwoGuards.UntilAsync(
            async () => await guard.MetricAsync("guard_store_up", Token) == 1
                && await guard.MetricAsync("guard_loop_failing{loop=\"pool_keepers\"}", Token) == 0
                && await guard.MetricAsync("guard_loop_failing{loop=\"liveness\"}", Token) == 0,
            "well again", Token);
        Assert.Equal("200 /hello", await TwoGuards.AskAsync(guard, ready, Token));
    }
}
