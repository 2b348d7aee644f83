using Guard.Core.Options;
using Guard.Core.Tests.Request.Readiness;
using Guard.Core.Transport;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.Http;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.TestSupport;

namespace Guard.Core.Tests.Transport.Http;

public sealed class RunnerClientTests
{
    [Theory]
    [InlineData("i-1", "i-1")]
    [InlineData("50% ü", "50%25%20%C3%BC")]
    [InlineData("a\r\nx-injected: 1", "a%0D%0Ax-injected:%201")]
    public async Task Calls_RunnerRoutedByKey_CarryItsKey(string key, string header)
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        var options = new LiveOptions(new GuardOptions());
        var policy = new EndpointPolicy(options);
        using var invoker = new RunnerInvoker(
            new RunnerConnector(policy, new RunnerConnections(policy, options, new TestLog<RunnerConnections>()), options, TimeProvider.System), options);
        var client = new RunnerClient(invoker, options, TimeProvider.System, new TestLog<RunnerClient>());
        var address = new RunnerAddress("r", new RunnerLocation.Http(runner.Endpoint, RunnerProtocol.Http1, key));
        var actor = new ActorRecord { Id = ActorId.New(1), Name = "a", Pool = new("n", "p") };

        var started = await client.StartAsync(actor, address);
        var stopped = await client.StopAsync(address, actor.Id, 1, "sleep");

        Assert.Equal((StartReply.Ready, StopReply.Stopped), (started.Reply, stopped));
        Assert.Equal(2, runner.Requests.Count);
        Assert.All(runner.Requests, r => Assert.Equal([header], r.Header("x-rivet-runner-key")));
        Assert.All(runner.Requests, r => Assert.False(r.Has("x-injected")));
    }
}
