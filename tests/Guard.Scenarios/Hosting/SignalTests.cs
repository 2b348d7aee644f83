using System.Net;

namespace Guard.Scenarios.Hosting;

/// <summary>The signals that end the real binary.</summary>
public sealed class SignalTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sigterm_NothingUnderWay_IsNotReadyThenExits0()
    {
        using var guard = Start("--Guard:Shutdown:Delay=00:00:01");
        var control = GuardCommand.UrlOf("Control", await guard.ReadUntilAsync(" listens on ", Ct));
        using var client = new HttpClient { BaseAddress = control };

        guard.Signal("TERM");
        await guard.ReadUntilAsync("still accepting for 00:00:01", Ct);
        var ready = await client.GetAsync("/readyz", Ct);
        var exitCode = await guard.WaitAsync(Ct);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("\"draining\"", await ready.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task Sigint_Always_SkipsTheDelay()
    {
        using var guard = Start("--Guard:Shutdown:Delay=01:00:00");
        await guard.ReadUntilAsync(" listens on ", Ct);

        guard.Signal("INT");

        Assert.Equal(0, await guard.WaitAsync(Ct));
    }

    [Fact]
    public async Task Sigterm_Twice_SkipsTheRestOfTheDelay()
    {
        using var guard = Start("--Guard:Shutdown:Delay=01:00:00");
        await guard.ReadUntilAsync(" listens on ", Ct);

        guard.Signal("TERM");
        await guard.ReadUntilAsync("still accepting", Ct);
        guard.Signal("TERM");

        Assert.Equal(0, await guard.WaitAsync(Ct));
    }

    private static GuardCommand Start(string arg)
        => GuardCommand.Start(["--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Control:Url=http://127.0.0.1:0", arg]);
}
