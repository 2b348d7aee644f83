using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Health;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Sidecar;
using Guard.Tests.Control;
using Guard.Tests.Support;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Tests.Sidecar;

public sealed class SidecarRunnerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Register_ConfigPutInBetween_IsLeftAsItIs()
    {
        await using var server = await ControlServer.StartAsync(options => options.Sidecar.Endpoint = "http://127.0.0.1:9001");
        var pools = new RacingPools(server.Get<IPoolStore>(), new PoolConfig { DrainGracePeriod = 7 });
        using var http = new HttpMessageInvoker(new HealthyApplication());
        using var runner = new SidecarRunner(
            new SidecarApp(http, server.Get<LiveOptions>(), server.Get<TimeProvider>()),
            pools,
            server.Get<IRunnerStore>(),
            server.Get<RunnerInbox>(),
            server.Get<EndpointPolicy>(),
            new HealthState(),
            server.Get<IHostApplicationLifetime>(),
            server.Get<LiveOptions>(),
            server.Get<GuardMetrics>(),
            server.Get<TimeProvider>(),
            NullLogger<SidecarRunner>.Instance);

        await runner.StartAsync(Token);
        await pools.Written.WaitAsync(Token);
        await runner.StopAsync(Token);

        Assert.Equal(7, (await server.Store.GetAsync(new PoolId("default", "default"), Token))!.DrainGracePeriod);
    }

    private sealed class HealthyApplication : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
    }
}
