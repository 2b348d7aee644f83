using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Serverless;
using Guard.Core.Tests.Request.Readiness;
using Guard.Core.Transport.Connections;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Time.Testing;

namespace Guard.Core.Tests.State.Serverless;

/// <summary>Connector and metadata client over real sockets. Their clock stands still unless it is moved.</summary>
internal sealed class ServerlessCalls : IDisposable
{
    public static readonly PoolId Pool = new("n", "p");

    private readonly ServerlessInvoker _invoker;

    public ServerlessCalls(Action<GuardOptions>? configure = null)
    {
        var options = new GuardOptions();

        // The HTTP client measures it in real time, TLS included, of which a busy machine may need much.
        options.Forwarding.ConnectTimeout = TimeSpan.FromMinutes(1);
        configure?.Invoke(options);
        var live = new LiveOptions(options);
        var policy = new EndpointPolicy(live);
        Metrics = new GuardMetrics(live);
        _invoker = new ServerlessInvoker(new RunnerConnector(policy, new RunnerConnections(policy, live, new TestLog<RunnerConnections>()), live, Time), live);
        Connector = new ServerlessConnector(_invoker, new InitReader(policy), live, Metrics, Time, new TestLog<ServerlessConnector>());
        Metadata = new MetadataClient(_invoker, policy, Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public GuardMetrics Metrics { get; }

    public ServerlessConnector Connector { get; }

    public MetadataClient Metadata { get; }

    public static ServerlessTarget Target(string url, params (string Name, string Value)[] headers) => new(
        Pool,
        new ServerlessPoolConfig
        {
            Url = url,
            Headers = headers.ToDictionary(h => h.Name, h => h.Value),
            RequestLifespan = 900,
            SlotsPerRunner = 10,
        },
        TimeSpan.FromSeconds(10));

    /// <summary>Opens a connection; fails the test when that takes long in real time.</summary>
    public Task<ConnectResult> ConnectAsync(ServerlessTarget target)
        => Connector.ConnectAsync(target, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    public async Task<PoolError> FailAsync(ServerlessTarget target)
    {
        var result = await ConnectAsync(target);
        result.Stream?.Dispose();
        Assert.Null(result.Stream);
        return result.Error!;
    }

    public async Task<ServerlessStream> OpenAsync(ServerlessTarget target)
    {
        var result = await ConnectAsync(target);
        Assert.Null(result.Error);
        return result.Stream!;
    }

    public async Task<int> IgnoredMessagesAsync()
    {
        using var text = new MemoryStream();
        await Metrics.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        var line = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .SingleOrDefault(l => l.StartsWith("guard_serverless_ignored_messages_total{", StringComparison.Ordinal));
        return line is null ? 0 : int.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose() => _invoker.Dispose();
}
