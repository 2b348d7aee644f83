using Guard.TestSupport;


namespace Guard.Scenarios;

/// <summary>The files under config/ are started as they are; only their addresses are moved out of the way.</summary>
public sealed class ConfigExamplesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("appsettings.edge.json")]
    [InlineData("appsettings.sidecar.json")]
    public async Task Example_Started_BecomesReadyAndServesHealth(string file)
    {
        await using var redis = await RedisServer.StartAsync();
        var health = $"http://127.0.0.1:{FreePort.Next()}";
        await using var guard = await GuardProcess.StartAsync(
            Cancel,
            ("GUARD_CONFIG", Repository.PathOf("config/" + file)),
            ("Guard:Store:Redis:Configuration", redis.Address),
            ("Guard:Seed:File", Repository.PathOf("config/seed.json")),
            ("Guard:Runners:AllowedEndpoints:0", "127.0.0.1/32"),
            ("Kestrel:Endpoints:GatewayH2c:Url", $"http://127.0.0.1:{FreePort.Next()}"),
            ("Kestrel:Endpoints:GatewayH2c:Protocols", "Http2"),
            ("Kestrel:Endpoints:Health:Url", health));

        using var http = new HttpClient();
        Assert.Contains("guard_build_info", await http.GetStringAsync(new Uri(health + "/metrics"), Cancel), StringComparison.Ordinal);

        // From seed.json: one pool, one static runner, one actor.
        var actors = await guard.Control.CallAsync(HttpMethod.Get, "actors?namespace=default&name=counter&key=k1", null, Cancel);
        Assert.Equal("k1", Assert.Single(actors.GetProperty("actors").EnumerateArray()).GetProperty("key").GetString());
        var runners = await guard.Control.CallAsync(HttpMethod.Get, "runners?namespace=default", null, Cancel);
        Assert.Equal("app", Assert.Single(runners.GetProperty("runners").EnumerateArray()).GetProperty("key").GetString());
    }
}
