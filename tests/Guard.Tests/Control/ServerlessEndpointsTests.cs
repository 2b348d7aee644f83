using Guard.Core.State.Serverless;
using Guard.TestSupport;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Tests.Control;

public sealed class ServerlessEndpointsTests
{
    private const string Check = "/runner-configs/serverless-health-check?namespace=n";

    [Fact]
    public async Task Check_Endpoint_GivesItsVersion()
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: StartReplies.Metadata(7));
        await using var server = await ControlServer.StartAsync();

        var reply = await server.OkAsync("POST", Check, $$$"""{"url":"{{{endpoint.Url}}}/","headers":{"x-key":"s3cret"}}""");

        JsonAssert.Same("""{"success":{"version":7}}""", reply);
        var request = Assert.Single(endpoint.Requests);
        Assert.Equal("GET /metadata HTTP/1.1", request.RequestLine);
        Assert.Equal(["s3cret"], request.Header("x-key"));
    }

    [Fact]
    public async Task Check_NobodyListens_IsAnswered()
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.OkAsync("POST", Check, $$"""{"url":"http://127.0.0.1:{{FreePort.Next()}}"}""");

        JsonAssert.Same("""{"failure":{"error":{"message":"connection refused","metadata":{"kind":"request_failed"}}}}""", reply);
    }

    [Fact]
    public async Task Check_UrlThatMayNotBeCalled_IsAnswered()
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.OkAsync("POST", Check, """{"url":"http://169.254.169.254/latest"}""");

        JsonAssert.Same(
            """{"failure":{"error":{"message":"url: points to an address that is not allowed for runners","metadata":{"kind":"invalid_request"}}}}""", reply);
    }

    [Theory]
    [InlineData(nameof(MetadataFault.InvalidRequest), "invalid_request")]
    [InlineData(nameof(MetadataFault.RequestFailed), "request_failed")]
    [InlineData(nameof(MetadataFault.RequestTimedOut), "request_timed_out")]
    [InlineData(nameof(MetadataFault.NonSuccessStatus), "non_success_status")]
    [InlineData(nameof(MetadataFault.InvalidResponseJson), "invalid_response_json")]
    [InlineData(nameof(MetadataFault.InvalidResponseSchema), "invalid_response_schema")]
    public async Task Check_EveryFault_HasItsKind(string fault, string kind)
    {
        await using var server = await ControlServer.StartAsync(replace: services => services.AddSingleton<ServerlessMetadata>(
            (_, _, _) => Task.FromResult(new MetadataResult(null, Enum.Parse<MetadataFault>(fault), "why"))));

        var reply = await server.OkAsync("POST", Check, """{"url":"http://example.com"}""");

        Assert.Equal("why", (string)reply["failure"]!["error"]!["message"]!);
        Assert.Equal(kind, (string)reply["failure"]!["error"]!["metadata"]!["kind"]!);
    }

    [Theory]
    [InlineData(Check, """{"headers":{}}""", "url")]
    [InlineData(Check, """{"url":5}""", "url")]
    [InlineData(Check, """{"url":"http://example.com","more":1}""", "more")]
    [InlineData(Check, """{"url":"http://example.com","headers":{"host":"x"}}""", "headers.host")]
    [InlineData("/runner-configs/serverless-health-check", """{"url":"http://example.com"}""", "namespace")]
    public async Task Check_WrongInput_IsRefused(string path, string body, string field)
    {
        await using var server = await ControlServer.StartAsync();

        var reply = await server.SendAsync("POST", path, body);

        Assert.Equal((400, "api.bad_request", field), (reply.Status, reply.Error, reply.Field));
    }

    [Fact]
    public async Task Check_RunnerToken_MayNotMakeGuardCall()
    {
        await using var server = await ControlServer.StartAsync(o =>
        {
            o.Control.Token = "operator";
            o.Control.RunnerTokens = ["runner"];
        });

        var reply = await server.SendAsync("POST", Check, """{"url":"http://example.com"}""", "Bearer runner");

        Assert.Equal((403, "api.forbidden"), (reply.Status, reply.Error));
    }

    [Fact]
    public async Task Put_PoolOfThatName_IsStillAPool()
    {
        await using var server = await ControlServer.StartAsync();

        await server.OkAsync("PUT", Check, """{"datacenters":{"default":{"normal":{}}}}""");

        Assert.NotNull((await server.OkAsync("GET", "/runner-configs?namespace=n"))["runner_configs"]!["serverless-health-check"]);
    }
}
