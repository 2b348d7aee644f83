using Guard.Scenarios.Hosting;
using Guard.Scenarios.Support;
using Guard.TestSupport;
using StackExchange.Redis;

namespace Guard.Scenarios.Replicas;

/// <summary>The real binary and a store that is not for it.</summary>
public sealed class StoreFormatScenarios
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("3", "1", "this build does not know it")]
    [InlineData("2", "1", "set Guard:Store:Redis:Format to 2 for every Guard of this store")]
    [InlineData("1", "2", "records are not translated")]
    public async Task Start_StoreOfAnotherFormat_OneLineAndExitCodeTwo(string stored, string configured, string way)
    {
        await using var redis = await RedisServer.StartAsync();
        await using (var raw = await ConnectionMultiplexer.ConnectAsync(redis.Address))
        {
            await raw.GetDatabase().StringSetAsync("guard:format", stored);
        }

        var (exitCode, error, _) = await GuardCommand.RunAsync(
            [.. TwoGuards.OnRedis(redis.Address).Select(s => $"--{s.Item1}={s.Item2}"), $"--Guard:Store:Redis:Format={configured}", "--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Control:Url=http://127.0.0.1:0"],
            Token);

        Assert.Equal(2, exitCode);
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"guard: the store in Redis with key prefix 'guard' has format {stored}, and this Guard is set to format {configured}: ", line, StringComparison.Ordinal);
        Assert.Contains(way, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_FormatTwo_ServesRunnersAndActors()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var guard = await GuardProcess.StartAsync(Token, [.. TwoGuards.OnRedis(redis.Address), ("Guard:Store:Redis:Format", "2")]);
        await guard.Control.PutPoolAsync("default", Token);
        await using var runner = await ScriptedRunner.StartAsync(guard.ControlAddress, new RunnerSettings(), Token);
        var actor = await guard.Control.CreateActorAsync("default", Token);

        Assert.StartsWith("200 ", await TwoGuards.AskAsync(guard, actor, Token), StringComparison.Ordinal);
    }
}
