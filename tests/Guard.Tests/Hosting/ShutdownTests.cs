using System.Net;
using Guard.Core.Options;
using Guard.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Hosting;

public sealed class ShutdownTests
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

    [Fact]
    public async Task Begin_WithDelay_AcceptsUntilTheDelayIsOver()
    {
        var time = new FakeTimeProvider();
        await using var guard = await TestGuard.StartAsync(
            gateway: context => Task.CompletedTask, services: s => s.AddSingleton<TimeProvider>(time));
        var stopping = guard.Get<IHostApplicationLifetime>().ApplicationStopping;
        using var client = new HttpClient { BaseAddress = guard.Gateway };

        guard.Get<ShutdownLifetime>().Begin(withDelay: true);
        time.Advance(TimeSpan.FromMilliseconds(4999));
        var reply = await client.GetAsync("/", Ct).WaitAsync(TestGuard.Patience, Ct);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.False(stopping.IsCancellationRequested);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(stopping.IsCancellationRequested);
    }

    [Fact]
    public async Task Stop_RequestThatNeverEnds_IsCutAtTheDrainTimeout()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var guard = await TestGuard.StartAsync(["--Guard:Shutdown:DrainTimeout=00:00:00.200"], async context =>
        {
            context.RequestAborted.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), aborted);
            arrived.SetResult();
            await aborted.Task;
        });
        using var client = new HttpClient { BaseAddress = guard.Gateway };
        var request = client.GetAsync("/", Ct);
        await arrived.Task.WaitAsync(TestGuard.Patience, Ct);

        await guard.App.StopAsync(Ct).WaitAsync(TestGuard.Patience, Ct);

        await aborted.Task.WaitAsync(TestGuard.Patience, Ct);
        await Assert.ThrowsAsync<HttpRequestException>(() => request.WaitAsync(TestGuard.Patience, Ct));
        Assert.Equal(TimeSpan.FromMilliseconds(200), guard.Get<LiveOptions>().Current.Shutdown.DrainTimeout);
    }

    private static GuardCommand Start(string arg)
        => GuardCommand.Start(["--Kestrel:Endpoints:Gateway:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Control:Url=http://127.0.0.1:0", arg]);
}
