namespace Guard.Tests.Control;

public sealed class PoolHealthEndpointsTests
{
    [Fact]
    public async Task Get_NeverReported_IsGreen()
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var health = await server.OkAsync("GET", "/pool-health/p?namespace=n");

        JsonAssert.Same("""{"namespace":"n","runner_name":"p","state":"green","consecutive_successes":0,"epoch":0,"version":0}""", health);
    }

    [Theory]
    [InlineData("\"serverless_stream_ended_early\"", null)]
    [InlineData("\"downgrade\"", null)]
    [InlineData("\"internal_error\"", null)]
    [InlineData("""{"serverless_http_error":{"status_code":502,"body":""}}""", null)]
    [InlineData("""{"serverless_connection_error":{"message":"refused ✓"}}""", null)]
    [InlineData("""{"serverless_invalid_sse_payload":{"message":"no","raw_payload":"x"}}""", null)]
    [InlineData("""{"serverless_invalid_sse_payload":{"message":"no","raw_payload":null}}""", """{"serverless_invalid_sse_payload":{"message":"no"}}""")]
    public async Task PostError_EachKind_TurnsThePoolRedWithIt(string error, string? shown)
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var reported = await server.OkAsync("POST", "/pool-health/p/errors?namespace=n", error);
        var read = await server.OkAsync("GET", "/pool-health/p?namespace=n");

        JsonAssert.Same(reported.ToJsonString(), read);
        Assert.Equal("red", (string)read["state"]!);
        Assert.Equal(ControlServer.Now, (long)read["active_error"]!["timestamp"]!);
        JsonAssert.Same(shown ?? error, read["active_error"]!["error"]!);
        Assert.NotEqual(0UL, (ulong)read["epoch"]!);
        Assert.Equal(1, (long)read["version"]!);
    }

    [Fact]
    public async Task PostError_LongBody_IsCut()
    {
        await using var server = await ControlServer.StartWithPoolAsync(o => o.PoolHealth.MaxErrorBytes = 16);

        var reported = await server.OkAsync(
            "POST", "/pool-health/p/errors?namespace=n", $$$"""{"serverless_http_error":{"status_code":500,"body":"{{{new string('x', 100)}}}"}}""");

        Assert.Equal(16, ((string)reported["active_error"]!["error"]!["serverless_http_error"]!["body"]!).Length);
    }

    [Fact]
    public async Task PostSuccesses_Enough_TurnThePoolGreen()
    {
        await using var server = await ControlServer.StartWithPoolAsync(o => o.PoolHealth.SuccessesToClear = 2);
        var red = await server.OkAsync("POST", "/pool-health/p/errors?namespace=n", "\"downgrade\"");

        var first = await server.OkAsync("POST", "/pool-health/p/successes?namespace=n");
        var second = await server.OkAsync("POST", "/pool-health/p/successes?namespace=n", "{}");

        Assert.Equal(("red", 1), ((string)first["state"]!, (int)first["consecutive_successes"]!));
        Assert.Equal("green", (string)second["state"]!);
        Assert.False(second.AsObject().ContainsKey("active_error"));
        Assert.Equal((ulong)red["epoch"]!, (ulong)second["epoch"]!);
        Assert.True((long)second["version"]! > (long)red["version"]!);
    }

    [Theory]
    [InlineData("GET", "/pool-health/{0}", null)]
    [InlineData("POST", "/pool-health/{0}/successes", null)]
    [InlineData("POST", "/pool-health/{0}/errors", "\"downgrade\"")]
    public async Task Call_UnknownPoolOrNamespace_IsRefused(string method, string path, string? body)
    {
        await using var server = await ControlServer.StartWithPoolAsync();

        var pool = await server.SendAsync(method, string.Format(null, path, "q") + "?namespace=n", body);
        var name = await server.SendAsync(method, string.Format(null, path, "p") + "?namespace=x", body);

        Assert.Equal((400, "actor.no_runner_config_configured"), (pool.Status, pool.Error));
        Assert.Equal((400, "namespace.not_found"), (name.Status, name.Error));
    }
}
