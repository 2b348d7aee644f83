using Guard.Storage.Tests.Redis;
using Guard.TestSupport;

[assembly: AssemblyFixture(typeof(RedisAssembly))]

namespace Guard.Storage.Tests.Redis;

/// <summary>The redis-servers all tests of this assembly share; each store under test has a key prefix of its own.</summary>
public sealed class RedisAssembly : IAsyncLifetime
{
    internal RedisServer Server { get; private set; } = null!;

    /// <summary>A cluster of one: a script that touches two slots fails there.</summary>
    internal RedisServer Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await RedisServer.StartAsync();
        Cluster = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-config-file", "nodes");
        await Cluster.AskAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        while (!(await Cluster.AskAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Server.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
