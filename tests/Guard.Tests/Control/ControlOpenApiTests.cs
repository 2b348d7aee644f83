namespace Guard.Tests.Control;

public sealed class ControlOpenApiTests
{
    [Fact]
    public async Task Document_EveryCall_IsDescribed()
    {
        await using var server = await ControlServer.StartAsync();

        var document = await server.Client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken);

        var paths = System.Text.Json.Nodes.JsonNode.Parse(document)!["paths"]!.AsObject();
        var calls = paths.SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}")).Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "DELETE /actors/{id}", "DELETE /runner-configs/{pool}", "DELETE /runners/{id}", "GET /actors", "GET /pool-health/{pool}",
                "GET /runner-configs", "GET /runners", "GET /runners/{id}/actors", "POST /actors", "POST /imports",
                "POST /pool-health/{pool}/errors", "POST /pool-health/{pool}/successes", "POST /runner-configs/serverless-health-check", "POST /runners", "POST /runners/{id}/drain", "POST /runners/{id}/events",
                "POST /runners/{id}/heartbeat", "PUT /actors", "PUT /runner-configs/{pool}",
            ],
            calls);
        foreach (var operation in paths.SelectMany(p => p.Value!.AsObject().Select(o => o.Value!)))
        {
            Assert.NotEmpty((string)operation["summary"]!);
            Assert.NotNull(operation["responses"]!["200"]!["content"]!["application/json"]!["schema"]);
            Assert.NotNull(operation["responses"]!["400"]);
        }
    }

    [Fact]
    public async Task Document_Shapes_AreThoseOfTheWire()
    {
        await using var server = await ControlServer.StartAsync();

        var document = await server.OpenApiAsync();

        var list = document["paths"]!["/actors"]!["get"]!;
        Assert.Equal(
            ["actor_ids", "cursor", "include_destroyed", "key", "limit", "name", "namespace"],
            list["parameters"]!.AsArray().Select(p => (string)p!["name"]!).Order(StringComparer.Ordinal));
        var schemas = document["components"]!["schemas"]!;
        Assert.True(schemas["ActorShape"]!["properties"]!.AsObject().ContainsKey("runner_name_selector"));
        Assert.True(schemas["RunnerRegisterShape"]!["properties"]!.AsObject().ContainsKey("total_slots"));
        Assert.Equal(
            """{"maximum":1000000,"minimum":1,"type":"integer","format":"int32"}""",
            schemas["RunnerRegisterShape"]!["properties"]!["total_slots"]!.ToJsonString());
        Assert.Equal("""["http1","h2c",null]""", schemas["RunnerRegisterShape"]!["properties"]!["protocol"]!["enum"]!.ToJsonString());
        Assert.NotNull(document["components"]!["securitySchemes"]!["bearer"]);
        Assert.NotNull(document["paths"]!["/runner-configs/{pool}"]!["put"]!["requestBody"]);
        Assert.Contains("pool", document["paths"]!["/runner-configs/{pool}"]!["put"]!["parameters"]!.AsArray().Select(p => (string)p!["name"]!));
    }
}

file static class OpenApiCalls
{
    public static async Task<System.Text.Json.Nodes.JsonNode> OpenApiAsync(this ControlServer server)
        => System.Text.Json.Nodes.JsonNode.Parse(await server.Client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken))!;
}
