using System.Globalization;

namespace Guard.Scenarios.Edge.Fuzz;

/// <summary>
/// The invariant over mutated requests: Guard refuses, or the runner sees exactly the request Guard understood. A slice of it here; the
/// environment variable <c>GUARD_FUZZ_CONNECTIONS</c> makes it longer and <c>GUARD_FUZZ_SEED</c> begins elsewhere (docs/security.md).
/// </summary>
public sealed class MutatedRequestTests
{
    private const int Slice = 1500;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Send_MutatedRequests_RefusedOrSeenExactlyAsSent()
    {
        await using var edge = await EdgeGuard.StartAsync([], Token);
        var run = new FuzzRun(edge);

        var violations = await run.RunAsync(Number("GUARD_FUZZ_SEED", 0), Number("GUARD_FUZZ_CONNECTIONS", Slice), Token);

        TestContext.Current.TestOutputHelper?.WriteLine(
            "{0} requests, {1} of them forwarded, {2} connections with a broken one, {3:F1} s", run.Sent, run.Forwarded, run.RefusedStreams, run.Elapsed.TotalSeconds);
        Assert.True(violations.Count == 0, $"{violations.Count} violations, the first: {string.Join("\n", violations.Order(StringComparer.Ordinal).Take(10))}");
        Assert.True(run.Sent > Slice && run.Forwarded > Slice / 2 && run.RefusedStreams > Slice / 10, $"{run.Sent} sent, {run.Forwarded} forwarded, {run.RefusedStreams} broken");
    }

    [Fact]
    public void Make_SameSeed_SameBytes()
        => Assert.Equal(new RequestMutator("a").Make(7), new RequestMutator("a").Make(7));

    private static int Number(string variable, int otherwise)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : otherwise;
}
