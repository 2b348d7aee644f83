using System.Net;
using Guard.Core.Options;
using Guard.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Tests.Hosting;

public sealed class ShutdownTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

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
        Assert.True(reply.Headers.ConnectionClose);
        Assert.False(stopping.IsCancellationRequested);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var onStop = stopping.UnsafeRegister(static s => ((TaskCompletionSource)s!).SetResult(), stopped);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await stopped.Task.WaitAsync(TestGuard.Patience, Ct);
    }

    [Fact]
    public async Task Begin_RequestUnderWay_IsTheLastOfItsConnection()
    {
        var gate = new Gate();
        await using var guard = await TestGuard.StartAsync(["--Guard:Shutdown:Delay=01:00:00"], gate.PassAsync);
        using var client = new HttpClient { BaseAddress = guard.Gateway };
        using var before = await client.GetAsync("/free", Ct);
        var request = client.GetAsync("/", Ct);
        await gate.Arrived.Task.WaitAsync(TestGuard.Patience, Ct);

        guard.Get<ShutdownLifetime>().Begin(withDelay: true);
        gate.Open.SetResult();
        using var reply = await request.WaitAsync(TestGuard.Patience, Ct);

        Assert.NotEqual(true, before.Headers.ConnectionClose);
        Assert.Equal((HttpStatusCode.OK, true), (reply.StatusCode, reply.Headers.ConnectionClose));
    }

    [Fact]
    public async Task Begin_Http2_ConnectionInUseIsLeftAndNothingIsLost()
    {
        await using var guard = await TestGuard.StartAsync(
            ["--Guard:Shutdown:Delay=01:00:00", "--Kestrel:Endpoints:Gateway:Protocols=Http2"], context => context.Response.WriteAsync(context.Connection.Id));
        using var client = new HttpClient
        {
            BaseAddress = guard.Gateway,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var first = await client.GetStringAsync("/", Ct);
        Assert.Equal(first, await client.GetStringAsync("/", Ct));

        guard.Get<ShutdownLifetime>().Begin(withDelay: true);
        Assert.Equal(first, await client.GetStringAsync("/", Ct));

        // GOAWAY came with that reply, at the latest after it.
        var connections = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            connections.Add(await client.GetStringAsync("/", Ct));
        }

        Assert.True(connections.Count > 1);
    }

    [Fact]
    public async Task Drain_RequestUnderWay_EndsWhileTheControlApiServesAndClientsAreRefused()
    {
        var gate = new Gate();
        await using var guard = await TestGuard.StartAsync(gateway: gate.PassAsync);
        using var client = new HttpClient { BaseAddress = guard.Gateway };
        using var control = new HttpClient { BaseAddress = guard.Control };
        var gateway = guard.Gateway;
        var request = client.GetAsync("/", Ct);
        await gate.Arrived.Task.WaitAsync(TestGuard.Patience, Ct);

        guard.Get<ShutdownLifetime>().Begin(withDelay: false);
        using var health = await control.GetAsync("/healthz", Ct);
        using var ready = await control.GetAsync("/readyz", Ct);
        using var late = new System.Net.Sockets.TcpClient();
        var refused = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => late.ConnectAsync(gateway.Host, gateway.Port, Ct).AsTask());
        var stopping = guard.Get<IHostApplicationLifetime>().ApplicationStopping;
        Assert.False(stopping.IsCancellationRequested);
        gate.Open.SetResult();
        using var reply = await request.WaitAsync(TestGuard.Patience, Ct);

        Assert.Equal(System.Net.Sockets.SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (health.StatusCode, ready.StatusCode, reply.StatusCode));
    }

    [Fact]
    public async Task Begin_Twice_CutsWhatIsUnderWay()
    {
        var gate = new Gate();
        await using var guard = await TestGuard.StartAsync(["--Guard:Shutdown:DrainTimeout=01:00:00"], gate.PassAsync);
        using var client = new HttpClient { BaseAddress = guard.Gateway };
        var request = client.GetAsync("/", Ct);
        await gate.Arrived.Task.WaitAsync(TestGuard.Patience, Ct);

        guard.Get<ShutdownLifetime>().Begin(withDelay: true);
        guard.Get<ShutdownLifetime>().Begin(withDelay: true);

        await Assert.ThrowsAsync<HttpRequestException>(() => request.WaitAsync(TestGuard.Patience, Ct));
        gate.Open.SetResult();
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

    /// <summary>A gateway that holds one request until it is opened; <c>/free</c> passes.</summary>
    private sealed class Gate
    {
        public TaskCompletionSource Arrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task PassAsync(HttpContext context)
        {
            if (context.Request.Path != "/free")
            {
                Arrived.TrySetResult();
                await Open.Task;
            }
        }
    }
}
