using Guard.Tests.Support;

namespace Guard.Tests.Scenarios;

/// <summary>Every fault of a serverless endpoint before a real Guard. What gates is the codes; times are generous here and measured by
/// bench/FailFast.</summary>
public sealed class ServerlessFaultScenarios
{
    /// <summary>In place of 10 s, so that hangs do not take the tests' time.</summary>
    private const int InitTimeoutMs = 2_000;

    private const int Together = 6;
    private static readonly TimeSpan FirstLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RedLimit = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fault_OfAnEndpoint_IsToldWithItsCauseAndHeals()
    {
        await using var guard = await GuardProcess.StartAsync(Token);
        using var room = new SemaphoreSlim(Together);

        var outcomes = await Task.WhenAll(ServerlessFault.All.Select(async (fault, i) =>
        {
            await room.WaitAsync(Token);
            try
            {
                return await new ServerlessFaultRun(guard, $"fault-{i}", fault, InitTimeoutMs).RunAsync(Token);
            }
            finally
            {
                room.Release();
            }
        }));

        Assert.All(outcomes, outcome =>
        {
            FaultAnswer[] all = [outcome.First, .. outcome.Next];
            if (outcome.Fault.PoolError is not { } type)
            {
                Assert.All(all, a => Assert.Equal((200, ""), (a.Status, a.Code)));
                return;
            }

            var failed = outcome.Fault.MayServe ? all.Where(a => a.Status != 200) : all;
            Assert.All(failed, a => Assert.Equal((503, "guard.actor_runner_failed", type), (a.Status, a.Code, a.PoolError)));
            Assert.InRange(outcome.First.Took, outcome.Fault.IsHang ? TimeSpan.FromMilliseconds(InitTimeoutMs * 0.9) : TimeSpan.Zero, FirstLimit);

            // The tenth may be the pool's probe.
            Assert.True(outcome.Next.Count(a => a.Took < RedLimit) >= outcome.Next.Count - 1, $"'{outcome.Fault.Name}': a red pool must refuse at once");
        });
    }
}
