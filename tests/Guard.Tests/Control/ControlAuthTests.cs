using Guard.Core.Options;

namespace Guard.Tests.Control;

public sealed class ControlAuthTests
{
    /// <summary>Every call: method, path, and whether a runner's token may make it.</summary>
    public static TheoryData<string, string, bool> Calls() => new()
    {
        { "PUT", "/runner-configs/p?namespace=n", false },
        { "GET", "/runner-configs?namespace=n", false },
        { "DELETE", "/runner-configs/p?namespace=n", false },
        { "POST", "/actors?namespace=n", false },
        { "PUT", "/actors?namespace=n", false },
        { "GET", "/actors?namespace=n&name=a", false },
        { "DELETE", "/actors/x?namespace=n", false },
        { "POST", "/runners?namespace=n", true },
        { "GET", "/runners?namespace=n", false },
        { "POST", "/runners/x/heartbeat", true },
        { "GET", "/runners/x/actors", true },
        { "POST", "/runners/x/drain", true },
        { "DELETE", "/runners/x", true },
        { "POST", "/runners/x/events", true },
        { "POST", "/pool-health/p/errors?namespace=n", false },
        { "POST", "/pool-health/p/successes?namespace=n", false },
        { "GET", "/pool-health/p?namespace=n", false },
        { "POST", "/imports?namespace=n", false },
        { "GET", "/openapi/v1.json", false },
        { "GET", "/nope", false },
        { "PATCH", "/actors", false },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_EachToken_MayDoWhatItIsFor(string method, string path, bool forRunners)
    {
        await using var server = await ControlServer.StartAsync(SetTokens);

        foreach (var bearer in new[] { null, "", "Bearer", "Bearer ", "Bearer wrong", "Bearer operator2", "Basic operator", "operator", "Bearer operator,Bearer operator" })
        {
            var refused = await server.SendAsync(method, path, null, bearer);
            Assert.Equal((401, "api.unauthorized", "Bearer"), (refused.Status, refused.Error, refused.Headers["www-authenticate"]));
        }

        foreach (var bearer in new[] { "Bearer operator", "bearer operator" })
        {
            Assert.DoesNotContain((await server.SendAsync(method, path, null, bearer)).Status, new[] { 401, 403 });
        }

        foreach (var bearer in new[] { "Bearer runner-1", "Bearer runner-2" })
        {
            var reply = await server.SendAsync(method, path, null, bearer);
            Assert.Equal(forRunners, reply.Error != "api.forbidden");
            Assert.Equal(!forRunners, reply.Status == 403);
        }
    }

    [Fact]
    public async Task Call_TwoAuthorizationHeaders_AreRefused()
    {
        await using var server = await ControlServer.StartAsync(SetTokens);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        request.Headers.TryAddWithoutValidation("authorization", "Bearer operator");
        request.Headers.TryAddWithoutValidation("authorization", "Bearer wrong");

        Assert.Equal(401, (await server.SendAsync(request)).Status);
    }

    [Fact]
    public async Task Call_Refused_ReadsNoBody()
    {
        await using var server = await ControlServer.StartAsync(SetTokens);

        var reply = await server.SendAsync("PUT", "/runner-configs/p?namespace=n", """{"datacenters":{"default":{"normal":{}}}}""", "Bearer runner-1");

        Assert.Equal(403, reply.Status);
        Assert.False(await server.Store.NamespaceExistsAsync("n", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Call_NoTokenConfigured_NeedsNone()
    {
        await using var server = await ControlServer.StartAsync(o => o.Control.RunnerTokens = ["runner-1"]);

        Assert.Equal(200, (await server.SendAsync("GET", "/openapi/v1.json")).Status);
        Assert.Equal(200, (await server.SendAsync("GET", "/openapi/v1.json", null, "Bearer whatever")).Status);
    }

    private static void SetTokens(GuardOptions options)
    {
        options.Control.Token = "operator";
        options.Control.RunnerTokens = ["runner-1", "runner-2"];
    }
}
