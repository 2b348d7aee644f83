using System.Text.Json.Nodes;
using Guard.Model.Ids;

namespace Guard.Tests.Control;

public sealed class RunnerConfigEndpointsTests
{
    private const string Serverless = """
        {"datacenters":{"default":{"serverless":{"url":"http://127.0.0.1:9000/api/","headers":{"Authorization":"secret-1"},"request_lifespan":3600}}}}
        """;

    [Fact]
    public async Task Put_NewPool_SaysThatTheEndpointChangedAndMakesTheNamespace()
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.OkAsync("PUT", "/runner-configs/p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""");

        Assert.Equal("""{"endpoint_config_changed":true}""", reply.ToJsonString());
        var list = await server.OkAsync("GET", "/runner-configs?namespace=n");
        JsonAssert.Same(
            """
            {"runner_configs":{"p":{"datacenters":{"default":{"normal":{
              "drain_on_version_upgrade":true,"drain_grace_period":1800,"actor_eviction_delay":0,"actor_eviction_rate":100}}}}},
             "pagination":{"cursor":null}}
            """,
            list);
    }

    [Fact]
    public async Task Put_SameEndpointAgain_SaysThatItDidNotChange()
    {
        await using var server = await ControlServer.StartAsync();
        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", Serverless);

        var same = await server.OkAsync("PUT", "/runner-configs/p?namespace=n", Serverless.Replace("3600", "7200", StringComparison.Ordinal));
        var header = await server.OkAsync("PUT", "/runner-configs/p?namespace=n", Serverless.Replace("secret-1", "secret-2", StringComparison.Ordinal));

        Assert.False((bool)same["endpoint_config_changed"]!);
        Assert.True((bool)header["endpoint_config_changed"]!);
    }

    [Fact]
    public async Task Put_Serverless_IsShownWithDefaultsAndWithoutHeaderValues()
    {
        await using var server = await ControlServer.StartAsync();
        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", Serverless);

        var list = await server.OkAsync("GET", "/runner-configs?namespace=n&runner_name=p");

        Assert.DoesNotContain("secret", list.ToJsonString(), StringComparison.Ordinal);
        JsonAssert.Same(
            """
            {"serverless":{"drain_on_version_upgrade":true,"drain_grace_period":1800,"actor_eviction_delay":0,"actor_eviction_rate":100,
             "url":"http://127.0.0.1:9000/api","headers":{"Authorization":"***"},"request_lifespan":3600,"slots_per_runner":1,"min_runners":0,
             "max_runners":1000,"runners_margin":0,"metadata_poll_interval":10}}
            """,
            list["runner_configs"]!["p"]!["datacenters"]!["default"]!);
        Assert.Equal("secret-1", (await server.Store.GetAsync(new PoolId("n", "p"), TestContext.Current.CancellationToken))!.Serverless!.Headers["authorization"]);
    }

    [Fact]
    public async Task Put_EveryField_IsKept()
    {
        await using var server = await ControlServer.StartAsync();

        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", """
            {"datacenters":{"default":{
              "drain_on_version_upgrade":false,
              "serverless":{"url":"https://example.com:8443/x","headers":null,"request_lifespan":900,"slots_per_runner":7,"min_runners":2,"max_runners":5,
                "runners_margin":1,"metadata_poll_interval":30,"drain_grace_period":899,"actor_eviction_delay":4,"actor_eviction_rate":50},
              "guard":{"check_delay_ms":0,"poll_interval_ms":500,"cache_ttl_ms":100,"ready_timeout_ms":5000,"init_timeout_ms":2000}}}}
            """);

        var shown = await server.OkAsync("GET", "/runner-configs?namespace=n");
        JsonAssert.Same(
            """
            {"serverless":{"drain_on_version_upgrade":false,"drain_grace_period":899,"actor_eviction_delay":4,"actor_eviction_rate":50,
             "url":"https://example.com:8443/x","headers":{},"request_lifespan":900,"slots_per_runner":7,"min_runners":2,"max_runners":5,
             "runners_margin":1,"metadata_poll_interval":30},
             "guard":{"check_delay_ms":0,"poll_interval_ms":500,"cache_ttl_ms":100,"ready_timeout_ms":5000,"init_timeout_ms":2000}}
            """,
            shown["runner_configs"]!["p"]!["datacenters"]!["default"]!);
    }

    [Theory]
    [InlineData("""{"normal":{"drain_grace_period":7}}""")]
    [InlineData("""{"normal":{},"drain_grace_period":7}""")]
    public async Task Put_DrainOptionInsideOrBesideTheKind_IsTaken(string datacenter)
    {
        await using var server = await ControlServer.StartAsync();

        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", $$$"""{"datacenters":{"default":{{{datacenter}}}}}""");

        Assert.Equal(7, (await server.Store.GetAsync(new PoolId("n", "p"), TestContext.Current.CancellationToken))!.DrainGracePeriod);
    }

    [Fact]
    public async Task Put_ShortLifespanWithoutGracePeriod_GivesHalfOfIt()
    {
        await using var server = await ControlServer.StartAsync();

        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", Serverless.Replace("3600", "300", StringComparison.Ordinal));

        Assert.Equal(150, (await server.Store.GetAsync(new PoolId("n", "p"), TestContext.Current.CancellationToken))!.DrainGracePeriod);
    }

    [Fact]
    public async Task Put_OtherDatacenterName_FollowsTheConfiguration()
    {
        await using var server = await ControlServer.StartAsync(o => o.Datacenter.Name = "berlin");

        var refused = await server.SendAsync("PUT", "/runner-configs/p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""");
        await server.OkAsync("PUT", "/runner-configs/p?namespace=n", """{"datacenters":{"berlin":{"normal":{}}}}""");

        Assert.Equal((400, "datacenter.not_found"), (refused.Status, refused.Error));
        Assert.NotNull((await server.OkAsync("GET", "/runner-configs?namespace=n"))["runner_configs"]!["p"]!["datacenters"]!["berlin"]);
    }

    [Fact]
    public async Task List_PoolWithActiveError_ShowsIt()
    {
        await using var server = await ControlServer.StartWithPoolAsync();
        await server.OkAsync("POST", "/pool-health/p/errors?namespace=n", """{"serverless_http_error":{"status_code":500,"body":"boom"}}""");

        var list = await server.OkAsync("GET", "/runner-configs?namespace=n");

        JsonAssert.Same(
            """{"serverless_http_error":{"status_code":500,"body":"boom"}}""",
            list["runner_configs"]!["p"]!["datacenters"]!["default"]!["runner_pool_error"]!);
    }

    [Fact]
    public async Task List_ManyPools_GivesEachOnceByPages()
    {
        await using var server = await ControlServer.StartAsync();
        var names = Enumerable.Range(0, 5).Select(i => $"p{i}").ToList();
        foreach (var name in names)
        {
            await server.OkAsync("PUT", $"/runner-configs/{name}?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""");
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await server.OkAsync("GET", $"/runner-configs?namespace=n&limit=2{(cursor is null ? "" : "&cursor=" + cursor)}");
            seen.AddRange(page["runner_configs"]!.AsObject().Select(p => p.Key));
            cursor = (string?)page["pagination"]!["cursor"];
        }
        while (cursor is not null);

        Assert.Equal(names, seen);
    }

    [Fact]
    public async Task List_UnknownPool_IsEmpty()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var list = await server.OkAsync("GET", "/runner-configs?namespace=n&runner_name=nope");

        JsonAssert.Same("""{"runner_configs":{},"pagination":{"cursor":null}}""", list);
    }

    [Fact]
    public async Task Delete_Pool_IsGoneAndMayBeDeletedAgain()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        Assert.Equal("{}", (await server.OkAsync("DELETE", "/runner-configs/p?namespace=n")).ToJsonString());
        Assert.Equal("{}", (await server.OkAsync("DELETE", "/runner-configs/p?namespace=n")).ToJsonString());

        Assert.Empty((await server.OkAsync("GET", "/runner-configs?namespace=n"))["runner_configs"]!.AsObject());
        var create = await server.SendAsync("POST", "/actors?namespace=n", """{"name":"a","runner_name_selector":"p"}""");
        Assert.Equal((400, "actor.no_runner_config_configured"), (create.Status, create.Error));
    }

    [Fact]
    public async Task Delete_UnknownNamespace_IsRefused()
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.SendAsync("DELETE", "/runner-configs/p?namespace=n");

        Assert.Equal((400, "namespace.not_found"), (reply.Status, reply.Error));
    }
}

internal static class JsonAssert
{
    public static void Same(string expected, JsonNode actual)
        => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"expected {expected}\nbut was {actual.ToJsonString()}");
}
