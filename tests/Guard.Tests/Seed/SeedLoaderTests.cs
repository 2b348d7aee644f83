using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Seed;
using Guard.Tests.Control;
using Guard.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Guard.Tests.Seed;

public sealed class SeedLoaderTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public async Task Load_EveryKind_IsCreatedOnce()
    {
        await using var server = await ControlServer.StartAsync();
        var id = ActorId.New(1);
        await File.WriteAllTextAsync(_file, """
            {
              "runner_configs":{"p":{"datacenters":{"default":{"normal":{}}}},"q":{"namespace":"other","datacenters":{"default":{"normal":{}}}}},
              "runners":[{"name":"p","key":"r1","version":1,"endpoint":"http://127.0.0.1:9001/","total_slots":4}],
              "actors":[
                {"name":"a","key":"k","runner_name_selector":"p","input":"AQID","crash_policy":"destroy"},
                {"actor_id":"ID","name":"a","runner_name_selector":"q","namespace":"other"}]
            }
            """.Replace("ID", id.ToString(), StringComparison.Ordinal), TestContext.Current.CancellationToken);

        await LoadAsync(server);
        await LoadAsync(server);

        var cancelled = TestContext.Current.CancellationToken;
        Assert.NotNull(await server.Store.GetAsync(new PoolId("default", "p"), cancelled));
        Assert.NotNull(await server.Store.GetAsync(new PoolId("other", "q"), cancelled));
        var runner = Assert.Single((await server.Store.ListAsync(new RunnerQuery("default", null, true, 10, null), cancelled)).Items);
        Assert.Equal((true, "http://127.0.0.1:9001"), (runner.IsStatic, runner.Address.Location.Endpoint));
        var actor = Assert.Single((await server.Store.ListAsync(new ActorQuery("default", null, "a", null, true, 10, null), cancelled)).Items);
        Assert.Equal(("k", CrashPolicy.Destroy, 0L), (actor.Key, actor.CrashPolicy, actor.Generation));
        Assert.Equal("other", (await server.Store.GetAsync(id, cancelled))!.Pool.Namespace);
    }

    [Fact]
    public async Task Load_ExistingConfigAndDestroyedActor_AreLeftAlone()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.CreateActorAsync();
        await server.OkAsync("DELETE", $"/actors/{id}?namespace=n");
        await File.WriteAllTextAsync(_file, """
            {"runner_configs":{"p":{"namespace":"n","datacenters":{"default":{"normal":{"drain_grace_period":7}}}}},
             "actors":[{"actor_id":"ID","name":"a","runner_name_selector":"p","namespace":"n"}]}
            """.Replace("ID", id.ToString(), StringComparison.Ordinal), TestContext.Current.CancellationToken);

        await LoadAsync(server);

        Assert.Equal(1800, (await server.Store.GetAsync(new PoolId("n", "p"), TestContext.Current.CancellationToken))!.DrainGracePeriod);
        Assert.Equal(ActorState.Destroyed, (await server.Store.GetAsync(id, TestContext.Current.CancellationToken))!.State);
    }

    [Fact]
    public async Task Load_ConfigPutInBetween_IsLeftAsItIs()
    {
        await using var server = await ControlServer.StartAsync();
        await File.WriteAllTextAsync(
            _file, """{"runner_configs":{"p":{"datacenters":{"default":{"normal":{}}}}}}""", TestContext.Current.CancellationToken);

        await LoadAsync(server, pools: new RacingPools(server.Get<IPoolStore>(), new PoolConfig { DrainGracePeriod = 7 }));

        Assert.Equal(7, (await server.Store.GetAsync(new PoolId("default", "p"), TestContext.Current.CancellationToken))!.DrainGracePeriod);
    }

    [Fact]
    public async Task Load_ListOfConfigs_AllowsOneNameInTwoNamespaces()
    {
        await using var server = await ControlServer.StartAsync();
        await File.WriteAllTextAsync(_file, """
            {"runner_configs":[
              {"runner_name":"p","datacenters":{"default":{"normal":{}}}},
              {"runner_name":"p","namespace":"n","datacenters":{"default":{"normal":{}}}}]}
            """, TestContext.Current.CancellationToken);

        await LoadAsync(server);

        Assert.True(await server.Store.NamespaceExistsAsync("default", TestContext.Current.CancellationToken));
        Assert.True(await server.Store.NamespaceExistsAsync("n", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Load_ByteOrderMark_IsSkipped()
    {
        await using var server = await ControlServer.StartAsync();
        await File.WriteAllTextAsync(_file, "{}", new System.Text.UTF8Encoding(true), TestContext.Current.CancellationToken);

        await LoadAsync(server);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("""{"runner":[]}""", "runner: unknown field; allowed are runner_configs, runners, actors")]
    [InlineData("""{"runner_configs":{"P":{"datacenters":{"default":{"normal":{}}}}}}""", "runner_configs.P: as the name of a pool: ")]
    [InlineData("""{"runner_configs":{"p":{"datacenters":{"default":{"normal":{"drain_grace_period":-1}}}}}}""", "runner_configs.p.datacenters.default.normal.drain_grace_period: must be a whole number from 0 to 2592000")]
    [InlineData("""{"runner_configs":{"p":{"datacenters":{"east":{"normal":{}}}}}}""", "runner_configs.p.datacenters: this datacenter is 'default'")]
    [InlineData("""{"runner_configs":[{"runner_name":"p","datacenters":{"default":{"normal":{}}}},{"runner_name":"p","datacenters":{"default":{"normal":{}}}}]}""", "runner_configs[1]: the pool default/p is given twice")]
    [InlineData("""{"runners":{}}""", "runners: must be an array of at most ")]
    [InlineData("""{"runners":[{"name":"p","key":"r","version":1,"endpoint":"ftp://x","total_slots":1}]}""", "runners[0].endpoint: must be ")]
    [InlineData("""{"runners":[{"name":"p","key":"r","version":1,"endpoint":"http://127.0.0.1:1","total_slots":0}]}""", "runners[0].total_slots: must be a whole number from 1 to 1000000")]
    [InlineData("""{"runners":[{"name":"p","key":"r","version":1,"endpoint":"http://127.0.0.1:1","total_slots":1}]}""", "runners[0].name: the pool default/p has no runner-config")]
    [InlineData("""{"actors":[{"name":"a","key":"k","runner_name_selector":"p"}]}""", "actors[0].runner_name_selector: the pool default/p has no runner-config")]
    [InlineData("""{"actors":[{"name":"a","runner_name_selector":"p"}]}""", "actors[0]: must have a key or an actor_id")]
    [InlineData("""{"actors":[{"name":"a","runner_name_selector":"p","actor_id":"x"}]}""", "actors[0].actor_id: must be an actor id")]
    [InlineData("""{"actors":[{"name":"a","key":"k","runner_name_selector":"p","namespace":"N"}]}""", "actors[0].namespace: ")]
    [InlineData("""{"actors":[{"name":"a","key":"k","runner_name_selector":"p","x\ny":1}]}""", "actors[0].x y: unknown field")]
    public async Task Load_NotValid_StopsWithOneLineAndWritesNothing(string json, string expected)
    {
        await using var server = await ControlServer.StartAsync();
        var good = """{"runner_configs":{"good":{"datacenters":{"default":{"normal":{}}}}},""";
        await File.WriteAllTextAsync(
            _file,
            json.StartsWith("{\"runners", StringComparison.Ordinal) || json.StartsWith("{\"actors", StringComparison.Ordinal) ? good + json[1..] : json,
            TestContext.Current.CancellationToken);

        var stop = await Assert.ThrowsAsync<StartupException>(() => LoadAsync(server));

        Assert.StartsWith($"Guard:Seed:File '{_file}': {expected}", stop.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', stop.Message);
        Assert.False(await server.Store.NamespaceExistsAsync("default", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Load_NoSuchFile_StopsAndNamesIt()
    {
        await using var server = await ControlServer.StartAsync();

        foreach (var path in new[] { _file + ".missing", Path.GetTempPath(), "" })
        {
            var stop = await Assert.ThrowsAsync<StartupException>(() => LoadAsync(server, path));
            Assert.StartsWith($"Guard:Seed:File '{path}' cannot be read", stop.Message, StringComparison.Ordinal);
        }
    }

    public void Dispose() => File.Delete(_file);

    private Task LoadAsync(ControlServer server, string? file = null, IPoolStore? pools = null)
        => new SeedLoader(
            pools ?? server.Get<IPoolStore>(), server.Get<RunnerInbox>(), server.Get<IActorStore>(), server.Get<LiveOptions>(), server.Get<EndpointPolicy>(),
            NullLogger<SeedLoader>.Instance).LoadAsync(file ?? _file, TestContext.Current.CancellationToken);
}
