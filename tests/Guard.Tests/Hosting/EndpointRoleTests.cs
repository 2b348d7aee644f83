using System.Net;
using Guard.Model.Ids;
using Microsoft.AspNetCore.Http;

namespace Guard.Tests.Hosting;

/// <summary>What each listener serves follows from the name of its endpoint, and from nothing a client can say.</summary>
public sealed class EndpointRoleTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    public async Task Request_OnTheGateway_ReachesTheGatewayWhateverItsPathAndHost(string path)
    {
        await using var guard = await StartAsync();

        var reply = await GetAsync(guard.Gateway, path, $"{guard.Control.Authority}");

        Assert.Equal("gateway", await reply.Content.ReadAsStringAsync(Ct));
    }

    [Theory]
    [InlineData("/healthz", HttpStatusCode.OK)]
    [InlineData("/metrics", HttpStatusCode.OK)]
    [InlineData("/openapi/v1.json", HttpStatusCode.OK)]
    [InlineData("/gateway/x", HttpStatusCode.NotFound)]
    [InlineData("/", HttpStatusCode.NotFound)]
    public async Task Request_OnTheControlEndpoint_ReachesItsApi(string path, HttpStatusCode expected)
    {
        await using var guard = await StartAsync();

        var reply = await GetAsync(guard.Control, path, guard.Gateway.Authority);

        Assert.Equal(expected, reply.StatusCode);
        if (expected == HttpStatusCode.NotFound)
        {
            Assert.Equal("api.not_found", Assert.Single(reply.Headers.GetValues("x-rivet-error")));
        }
    }

    [Theory]
    [InlineData("/healthz", HttpStatusCode.OK)]
    [InlineData("/metrics", HttpStatusCode.OK)]
    [InlineData("/openapi/v1.json", HttpStatusCode.NotFound)]
    [InlineData("/gateway/x", HttpStatusCode.NotFound)]
    public async Task Request_OnAHealthEndpoint_ReachesOnlyHealth(string path, HttpStatusCode expected)
    {
        await using var guard = await StartAsync("--Kestrel:Endpoints:healthOnly:Url=http://127.0.0.1:0");

        var reply = await GetAsync(guard.App.Listeners.UrlsOf(global::Guard.Configuration.EndpointRole.Health)[0], path, null);

        Assert.Equal(expected, reply.StatusCode);
    }

    [Fact]
    public async Task Request_OnAnyOtherName_IsGateway()
    {
        await using var guard = await StartAsync("--Kestrel:Endpoints:XControl:Url=http://127.0.0.1:0");

        foreach (var url in guard.App.Listeners.UrlsOf(global::Guard.Configuration.EndpointRole.Gateway))
        {
            Assert.Equal("gateway", await (await GetAsync(url, "/healthz", null)).Content.ReadAsStringAsync(Ct));
        }

        Assert.Equal(2, guard.App.Listeners.UrlsOf(global::Guard.Configuration.EndpointRole.Gateway).Count);
    }

    [Fact]
    public async Task Request_Http2WithoutTls_NeedsAnEndpointOfItsOwnAndKeepsItsRole()
    {
        await using var guard = await StartAsync("--Kestrel:Endpoints:Internal:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Internal:Protocols=Http2");
        var url = guard.App.Listeners.UrlsOf(global::Guard.Configuration.EndpointRole.Gateway)[1];
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        var reply = await client.GetAsync(url, Ct).WaitAsync(TestGuard.Patience, Ct);

        Assert.Equal(HttpVersion.Version20, reply.Version);
        Assert.Equal("gateway", await reply.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task Request_Any_GetsARayIdThatIsTheTraceIdentifierAndNoServerHeader()
    {
        string? seen = null;
        await using var guard = await TestGuard.StartAsync(gateway: context =>
        {
            seen = context.TraceIdentifier;
            return Task.CompletedTask;
        });

        var reply = await GetAsync(guard.Gateway, "/", null);

        var ray = Assert.Single(reply.Headers.GetValues("x-rivet-ray-id"));
        Assert.Equal(seen, ray);
        Assert.True(ActorId.TryParse(ray, out _));
        Assert.False(reply.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Request_GatewayThrows_AnswersInternalErrorAndLogsTheRayId()
    {
        await using var guard = await TestGuard.StartAsync(gateway: _ => throw new InvalidOperationException("secret detail"));

        var reply = await GetAsync(guard.Gateway, "/", null);

        Assert.Equal(HttpStatusCode.InternalServerError, reply.StatusCode);
        Assert.Equal("core.internal_error", Assert.Single(reply.Headers.GetValues("x-rivet-error")));
        Assert.DoesNotContain("secret detail", await reply.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        var ray = Assert.Single(reply.Headers.GetValues("x-rivet-ray-id"));
        Assert.Contains(guard.Log.Lines, l => l.StartsWith($"Error Request {ray} hit a bug", StringComparison.Ordinal) && l.EndsWith("secret detail", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Request_GatewayThrowsAfterItBegan_CutsTheReply()
    {
        await using var guard = await TestGuard.StartAsync(gateway: async context =>
        {
            await context.Response.WriteAsync("half", Ct);
            throw new InvalidOperationException();
        });

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var reply = await GetAsync(guard.Gateway, "/", null);
            await reply.Content.ReadAsStringAsync(Ct);
        });
    }

    private static Task<TestGuard> StartAsync(params string[] args)
        => TestGuard.StartAsync(args, context => context.Response.WriteAsync("gateway", Ct));

    private static async Task<HttpResponseMessage> GetAsync(Uri url, string path, string? host)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, path));
        request.Headers.Host = host;
        return await client.SendAsync(request, Ct).WaitAsync(TestGuard.Patience, Ct);
    }
}
