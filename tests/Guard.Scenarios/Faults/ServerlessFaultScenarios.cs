using System.Text.Json;
using Guard.TestSupport;

namespace Guard.Scenarios.Faults;

/// <summary>Every fault of a serverless endpoint before a real Guard: what requests get, and when.</summary>
public sealed class ServerlessFaultScenarios(ITestOutputHelper output)
{
    /// <summary>In place of 10 s, so that hangs do not take the tests' time.</summary>
    private const int InitTimeoutMs = 2_000;

    private const int Together = 6;

    /// <summary>What a busy machine that runs six faults at once may add to any time. The true times are printed, and measured one fault
    /// after the other by bench/FailFast. Far from the 30 s that a hold would last otherwise.</summary>
    private static readonly TimeSpan Room = TimeSpan.FromSeconds(5);

    /// <summary>The default FailFast:CheckDelay, and what may come on top of it.</summary>
    private static readonly TimeSpan FirstWithin = TimeSpan.FromSeconds(1.3);

    /// <summary>Of a pool that is red.</summary>
    private static readonly TimeSpan NextWithin = TimeSpan.FromMilliseconds(50);

    /// <summary>The default FailFast:ProbeInterval: the longest time until the next try.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

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
        Assert.InRange(first.Took, shows * 0.9, shows + FirstWithin + Room);

        // The tenth may be the pool's probe.
        Assert.All(others[..^1], a => Assert.InRange(a.Took, TimeSpan.Zero, NextWithin + Room));
        Assert.InRange(others[^1].Took, TimeSpan.Zero, shows + FirstWithin + Room);

        // What was under way when it was repaired ends first: a hang at the init timeout.
        Assert.InRange(outcome.ServedAfter!.Value, TimeSpan.Zero, shows + ProbeInterval + Room);
        Assert.InRange(outcome.GreenAfter!.Value, outcome.ServedAfter.Value, outcome.ServedAfter.Value + Room);

        // Three successes: an init, and the start of each actor served.
        Assert.InRange(outcome.ServedUntilGreen, 1, 3);
    }

    private static string Ms(FaultAnswer answer) => $"{answer.Took.TotalMilliseconds:0} ms";
}
