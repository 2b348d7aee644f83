using System.Text.Json.Nodes;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Tests.Control;

public sealed class RunnerEndpointsTests
{
    private static readonly PoolId Pool = new("n", "p");

    [Fact]
    public async Task Register_NewRunner_HasEveryMember()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.OkAsync("POST", "/runners?namespace=n", ControlServer.RunnerJson());

        var id = (string)reply["runner"]!["runner_id"]!;
        JsonAssert.Same(
            $$"""
            {"runner":{"runner_id":"{{id}}","key":"r1","name":"p","namespace":"n","version":1,"endpoint":"http://127.0.0.1:9001","total_slots":4,
             "remaining_slots":4,"create_ts":{{ControlServer.Now}},"drain_ts":null,"stop_ts":null,"last_ping_ts":{{ControlServer.Now}}},
             "heartbeat_interval_ms":3333,"lost_after_ms":15000}
            """,
            reply);
    }

    [Fact]
    public async Task Register_SameKey_KeepsTheId()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var first = await server.RegisterRunnerAsync();

        var again = await server.OkAsync("POST", "/runners?namespace=n", ControlServer.RunnerJson(slots: 9));

        Assert.Equal(first, (string)again["runner"]!["runner_id"]!);
        Assert.Equal(9, (int)again["runner"]!["total_slots"]!);
    }

    [Theory]
    [InlineData("http1", RunnerProtocol.Http1)]
    [InlineData("h2c", RunnerProtocol.H2c)]
    public async Task Register_Protocol_IsKept(string protocol, object expected)
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var body = JsonNode.Parse(ControlServer.RunnerJson())!;
        body["protocol"] = protocol;

        var reply = await server.OkAsync("POST", "/runners?namespace=n", body.ToJsonString());

        var record = await server.Store.GetAsync((string)reply["runner"]!["runner_id"]!, TestContext.Current.CancellationToken);
        Assert.Equal(expected, record!.Address.Location.Protocol);
    }

    [Fact]
    public async Task Register_TrailingSlash_IsNormalised()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reply = await server.OkAsync(
            "POST", "/runners?namespace=n", ControlServer.RunnerJson().Replace("9001\"", "9001/base/\"", StringComparison.Ordinal));

        Assert.Equal("http://127.0.0.1:9001/base", (string)reply["runner"]!["endpoint"]!);
    }

    [Fact]
    public async Task Register_UnknownPoolOrNamespace_IsRefused()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var pool = await server.SendAsync("POST", "/runners?namespace=n", ControlServer.RunnerJson().Replace("\"p\"", "\"q\"", StringComparison.Ordinal));
        var name = await server.SendAsync("POST", "/runners?namespace=x", ControlServer.RunnerJson());

        Assert.Equal((400, "actor.no_runner_config_configured"), (pool.Status, pool.Error));
        Assert.Equal((400, "namespace.not_found"), (name.Status, name.Error));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{}")]
    public async Task Heartbeat_LiveRunner_TellsDrainingAndVersion(string? body)
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();

        var before = await server.OkAsync("POST", $"/runners/{id}/heartbeat", body);
        await server.OkAsync("POST", $"/runners/{id}/drain", body);
        var after = await server.OkAsync("POST", $"/runners/{id}/heartbeat", body);

        Assert.Equal(["draining", "actors_version"], before.AsObject().Select(m => m.Key));
        Assert.False((bool)before["draining"]!);
        Assert.True((bool)after["draining"]!);
    }

    [Theory]
    [InlineData("POST", "heartbeat")]
    [InlineData("POST", "drain")]
    [InlineData("GET", "actors")]
    [InlineData("DELETE", "")]
    public async Task Call_UnknownOrDeletedRunner_IsNotFound(string method, string call)
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        await server.OkAsync("DELETE", $"/runners/{id}");

        foreach (var path in new[] { $"/runners/{id}/{call}", $"/runners/nobody/{call}", $"/runners/%00x/{call}".Replace("%00", "%01", StringComparison.Ordinal) })
        {
            var reply = await server.SendAsync(method, path.TrimEnd('/'));
            Assert.Equal((404, "runner.not_found"), (reply.Status, reply.Error));
        }
    }

    [Fact]
    public async Task Actors_StartingAndReady_AreListed()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        var actor = await server.CreateActorAsync();
        await BeginStartAsync(server, actor);

        var owned = await server.OkAsync("GET", $"/runners/{id}/actors");

        JsonAssert.Same($$"""[{"actor_id":"{{actor}}","generation":1}]""", owned["actors"]!);
        Assert.Equal((long)(await server.OkAsync("POST", $"/runners/{id}/heartbeat"))["actors_version"]!, (long)owned["actors_version"]!);
    }

    [Fact]
    public async Task List_Filters_ByPoolAndStopped()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var gone = await server.RegisterRunnerAsync("gone");
        var here = await server.RegisterRunnerAsync("here");
        await server.OkAsync("DELETE", $"/runners/{gone}");

        Assert.Equal([here], Ids(await server.OkAsync("GET", "/runners?namespace=n")));
        Assert.Equal([here], Ids(await server.OkAsync("GET", "/runners?namespace=n&name=p&include_stopped=false")));
        Assert.Equivalent(new[] { gone, here }, Ids(await server.OkAsync("GET", "/runners?namespace=n&include_stopped=true")), strict: true);
        Assert.Empty(Ids(await server.OkAsync("GET", "/runners?namespace=n&name=q")));
    }

    [Fact]
    public async Task List_Pages_GiveEachRunnerOnce()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Add(await server.RegisterRunnerAsync($"r{i}"));
        }

        var first = await server.OkAsync("GET", "/runners?namespace=n&limit=3");
        var second = await server.OkAsync("GET", $"/runners?namespace=n&limit=3&cursor={(string)first["pagination"]!["cursor"]!}");

        Assert.Null((string?)second["pagination"]!["cursor"]);
        Assert.Equivalent(made, Ids(first).Concat(Ids(second)), strict: true);
    }

    [Fact]
    public async Task Events_OfDifferentKinds_AreAnsweredInOrder()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        var first = await server.CreateActorAsync();
        var second = await server.CreateActorAsync();
        await BeginStartAsync(server, first);
        await BeginStartAsync(server, second);

        var reply = await server.OkAsync("POST", $"/runners/{id}/events", $$"""
            {"events":[
              {"actor_id":"{{first}}","generation":1,"event":"ready"},
              {"actor_id":"{{second}}","generation":7,"event":"ready"},
              {"actor_id":"{{ActorId.New(1)}}","generation":1,"event":"stopped"},
              {"actor_id":"{{ActorId.New(2)}}","generation":1,"event":"sleep"},
              {"actor_id":"{{second.ToString().ToUpperInvariant()}}","generation":1,"event":"crashed","message":"out of memory"}]}
            """);

        JsonAssert.Same("""{"results":["ok","stale","unknown","unknown","ok"]}""", reply);
        var crashed = await server.Store.GetAsync(second, TestContext.Current.CancellationToken);
        Assert.Equal(new ActorError(ActorErrorKind.Crashed, Message: "out of memory"), crashed!.Error);
        var shown = await server.OkAsync("GET", $"/actors?namespace=n&actor_ids={second}");
        JsonAssert.Same("""{"crashed":{"message":"out of memory"}}""", shown["actors"]![0]!["error"]!);
    }

    [Fact]
    public async Task Events_NoneOrThousand_AreTaken()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        var unknown = ActorId.New(1);

        JsonAssert.Same("""{"results":[]}""", await server.OkAsync("POST", $"/runners/{id}/events", """{"events":[]}"""));
        var many = await server.OkAsync("POST", $"/runners/{id}/events", EventsJson(unknown, 1000));
        Assert.Equal(1000, many["results"]!.AsArray().Count(r => (string)r! == "unknown"));
        var tooMany = await server.SendAsync("POST", $"/runners/{id}/events", EventsJson(unknown, 1001));
        Assert.Equal((400, "events"), (tooMany.Status, tooMany.Field));
    }

    [Fact]
    public async Task Events_OfDeletedOrUnknownRunner_AreNotFound()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        await server.OkAsync("DELETE", $"/runners/{id}");

        Assert.Equal("runner.not_found", (await server.SendAsync("POST", $"/runners/{id}/events", """{"events":[]}""")).Error);
        Assert.Equal("runner.not_found", (await server.SendAsync("POST", "/runners/nobody/events", """{"events":[]}""")).Error);
    }

    [Fact]
    public async Task Events_OneInvalid_AppliesNone()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        var id = await server.RegisterRunnerAsync();
        var actor = await server.CreateActorAsync();
        await BeginStartAsync(server, actor);

        var reply = await server.SendAsync("POST", $"/runners/{id}/events", $$"""
            {"events":[{"actor_id":"{{actor}}","generation":1,"event":"ready"},{"actor_id":"{{actor}}","generation":1,"event":"exploded"}]}
            """);

        Assert.Equal((400, "events[1].event"), (reply.Status, reply.Field));
        Assert.Equal(ActorState.Starting, (await server.Store.GetAsync(actor, TestContext.Current.CancellationToken))!.State);
    }

    private static List<string> Ids(JsonNode page) => [.. page["runners"]!.AsArray().Select(r => (string)r!["runner_id"]!)];

    private static string EventsJson(ActorId id, int count)
        => $$"""{"events":[{{string.Join(',', Enumerable.Repeat($$"""{"actor_id":"{{id}}","generation":1,"event":"ready"}""", count))}}]}""";

    private static async Task BeginStartAsync(ControlServer server, ActorId id)
        => Assert.Equal(
            StartGrantStatus.Granted,
            (await server.Store.TryBeginStartAsync(new StartRequest(id, Pool, "guard-1", []), TestContext.Current.CancellationToken)).Status);
}
