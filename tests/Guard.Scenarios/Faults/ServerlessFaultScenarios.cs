using System.Text.Json;
using Guard.TestSupport;

namespace Guard.Scenarios.Faults;

/// <summary>Every fault of a serverless endpoint before a real Guard: what requests get.</summary>
public sealed class ServerlessFaultScenarios(ITestOutputHelper output)
{
    /// <summary>Of an endpoint that hangs, in place of 10 s so that hangs do not take the tests' time.</summary>
    private const int InitTimeoutMs = 2_000;

    /// <summary>Of every other: longer than a client waits for any answer, so that an answer shows that no limit had to give it, on a machine as
    /// busy as it may be. What it takes on a quiet one is printed, and measured by bench/FailFast.</summary>
    private const int NoInitTimeoutMs = 30 * 60 * 1000;

    private const int Together = 6;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fault_OfAnEndpoint_IsToldWithItsCauseAndHeals()
    {
        await using var guard = await GuardProcess.StartAsync(Token, ("Guard:Readiness:Timeout", "00:30:00"));
        using var room = new SemaphoreSlim(Together);

        var outcomes = await Task.WhenAll(ServerlessFault.All.Select(async (fault, i) =>
        {
            await room.WaitAsync(Token);
            try
            {
                return await new ServerlessFaultRun(guard, $"fault-{i}", fault, fault.IsHang ? InitTimeoutMs : NoInitTimeoutMs).RunAsync(Token);
            }
            finally
            {
                room.Release();
            }
        }));

        Assert.All(outcomes, Check);
    }

    [Fact]
    public void Faults_ThePeerWasMeasuredWith_AreAllTried()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("tests/vectors/peer-timings.json")));

        Assert.Equal(
            vectors.RootElement.GetProperty("faults").EnumerateObject().Select(f => f.Name).Order(StringComparer.Ordinal),
            ServerlessFault.All.Select(f => f.Peer).OfType<string>().Order(StringComparer.Ordinal));
    }

    private void Check(FaultOutcome outcome)
    {
        var (fault, first, next) = (outcome.Fault, outcome.First, outcome.Next);
        var others = next.OrderBy(a => a.Took).ToArray();
        output.WriteLine(
            $"{fault.Name}: first {first.Status} {first.PoolError} {Ms(first)}, the fastest nine of ten more within {Ms(others[^2])}, the slowest {Ms(others[^1])}"
            + (outcome.ServedAfter is { } served ? $"; repaired: served after {served.TotalSeconds:0.0} s, green after {outcome.GreenAfter?.TotalSeconds:0.0} s" : ""));
        FaultAnswer[] all = [first, .. next];
        if (fault.PoolError is not { } type)
        {
            Assert.All(all, a => Assert.Equal((200, ""), (a.Status, a.Code)));
            return;
        }

        var failed = fault.MayServe ? all.Where(a => a.Status != 200) : all;
        Assert.All(failed, a => Assert.Equal((503, "guard.actor_runner_failed", type), (a.Status, a.Code, a.PoolError)));

        // A hang cannot be known for one before the init timeout.
        var shows = fault.IsHang ? TimeSpan.FromMilliseconds(InitTimeoutMs) : TimeSpan.Zero;
        Assert.True(first.Took >= shows * 0.9, $"{first.Took} is before the init timeout");
        Assert.True(outcome.GreenAfter >= outcome.ServedAfter);

        // Three successes: an init, and the start of each actor served.
        Assert.InRange(outcome.ServedUntilGreen, 1, 3);
    }

    private static string Ms(FaultAnswer answer) => $"{answer.Took.TotalMilliseconds:0} ms";
}
