using Guard.TestSupport;

namespace Guard.Storage.Tests.Redis;

/// <summary>A Redis Cluster of three servers: a script that touches a key of another slot fails here even where it does not name the key
/// beforehand.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private readonly RedisServer[] _servers;

    private RedisCluster(RedisServer[] servers) => _servers = servers;

    public IReadOnlyList<string> Addresses => Array.ConvertAll(_servers, s => s.Address);

    public static async Task<RedisCluster> StartAsync()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-config-file", "nodes")));
        (int From, int To)[] slots = [(0, 5460), (5461, 10922), (10923, 16383)];
        foreach (var (server, (from, to)) in servers.Zip(slots))
        {
            await server.AskAsync("CLUSTER", "ADDSLOTSRANGE", $"{from}", $"{to}");
        }

        foreach (var server in servers.Skip(1))
        {
            await server.AskAsync("CLUSTER", "MEET", "127.0.0.1", $"{servers[0].Port}");
        }

        foreach (var server in servers)
        {
            while (await server.AskAsync("CLUSTER", "INFO") is var info
                && !(info.Contains("cluster_state:ok", StringComparison.Ordinal) && info.Contains("cluster_known_nodes:3", StringComparison.Ordinal)
                    && info.Contains("cluster_slots_ok:16384", StringComparison.Ordinal)))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }

        return new(servers);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
