using Guard.Core.Options;
using Guard.Core.Transport;
using Guard.TestSupport;

namespace Guard.Tests.Forwarding;

/// <summary>Runners:AllowedEndpoints is tightened while connections to what is now forbidden are open.</summary>
public sealed class EndpointTighteningTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task Reload_PooledConnectionNowForbidden_EndedAndNoNewOneMade(string host)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            await connection.WaitForEndAsync();
            ended.TrySetResult();
        });
        await using var gateway = await ForwardingGateway.StartAsync($"http://{host}:{runner.Port}");
        using var client = gateway.Client();
        using var first = await client.GetAsync("/", Token);
        Assert.Equal(ForwardStatus.Done, (await gateway.OutcomeAsync()).Status);

        gateway.Live.Publish(new GuardOptions { Runners = new() { AllowedEndpoints = ["10.0.0.0/8"] } });

        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1), Token);
        using var second = await client.GetAsync("/", Token);
        var outcome = await gateway.OutcomeAsync();
        Assert.Equal((ForwardStatus.NotReached, "endpoint address not allowed"), (outcome.Status, outcome.LastError));
        Assert.Equal(1, runner.Connections);
    }

    [Fact]
    public async Task Reload_RequestUnderWayToWhatIsForbidden_BrokenOff()
    {
        await using var runner = new RawRunner(async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            await connection.WaitForEndAsync();
        });
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadUntilAsync("half");

        gateway.Live.Publish(new GuardOptions { Runners = new() { AllowedEndpoints = ["10.0.0.0/8"] } });

        Assert.Equal(("", true), await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Reload_StillAllowed_ConnectionIsKept()
    {
        await using var runner = RawRunner.Replying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await ForwardingGateway.StartAsync(runner.Endpoint);
        using var client = gateway.Client();
        using var first = await client.GetAsync("/", Token);

        gateway.Live.Publish(new GuardOptions { Runners = new() { AllowedEndpoints = ["127.0.0.0/8"] } });
        using var second = await client.GetAsync("/", Token);

        Assert.True(second.IsSuccessStatusCode);
        Assert.Equal(1, runner.Connections);
    }
}
