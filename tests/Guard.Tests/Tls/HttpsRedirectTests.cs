using System.Net;
using Guard.Configuration;
using Guard.Hosting;
using Guard.Tests.Hosting;

namespace Guard.Tests.Tls;

/// <summary>An http endpoint that only sends clients on, byte by byte.</summary>
public sealed class HttpsRedirectTests : IAsyncDisposable
{
    private readonly List<string> _served = [];

    private TestGuard? _guard;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_guard is not null)
        {
            await _guard.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("GET /gateway/a%2Fb/../x?q=%20&&t HTTP/1.1\r\nHost: example.com\r\n\r\n", "https://example.com:8443/gateway/a%2Fb/../x?q=%20&&t")]
    [InlineData("HEAD / HTTP/1.1\r\nHost: example.com:6420\r\n\r\n", "https://example.com:8443/")]
    [InlineData("GET //evil.example/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "https://example.com:8443//evil.example/")]
    [InlineData("GET http://example.com/p?q HTTP/1.1\r\nHost: example.com\r\n\r\n", "https://example.com:8443/p?q")]
    [InlineData("GET /p HTTP/1.1\r\nHost: [::1]:6420\r\n\r\n", "https://[::1]:8443/p")]
    [InlineData("GET /p HTTP/1.1\r\nHost: example.com\r\nx-forwarded-proto: https\r\n\r\n", "https://example.com:8443/p")]
    public async Task Redirect_GetAndHead_AreSentOnAndTheConnectionCloses(string request, string location)
    {
        await StartAsync();

        var reply = await TestGuard.SendRawAsync(_guard!.Gateway, request);

        Assert.StartsWith("HTTP/1.1 307 ", reply, StringComparison.Ordinal);
        Assert.Contains($"\r\nLocation: {location}\r\n", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\r\nCache-Control: no-store\r\n", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_served);
    }

    [Theory]
    [InlineData("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData("DELETE /p HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /p HTTP/1.1\r\nHost:\r\n\r\n")]
    [InlineData("GET /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    public async Task Redirect_AnythingElse_IsRefused(string request)
    {
        await StartAsync();

        var reply = await TestGuard.SendRawAsync(_guard!.Gateway, request);

        Assert.StartsWith("HTTP/1.1 400 ", reply, StringComparison.Ordinal);
        Assert.Contains("guard.invalid_request", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("Location:", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_served);
    }

    [Fact]
    public async Task Redirect_ProxySaysItCameByHttps_IsServed()
    {
        await StartAsync("--Guard:Gateway:TrustedProxies:0=127.0.0.1");

        await TestGuard.SendRawAsync(_guard!.Gateway, "GET /served HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-forwarded-proto: https\r\n\r\n");
        var sentOn = await TestGuard.SendRawAsync(_guard.Gateway, "GET /sent-on HTTP/1.1\r\nHost: a\r\nx-forwarded-proto: http\r\n\r\n");

        Assert.Equal(["/served"], _served);
        Assert.StartsWith("HTTP/1.1 307 ", sentOn, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirect_OtherEndpoints_ServeAsBefore()
    {
        await StartAsync("--Kestrel:Endpoints:Inside:Url=http://127.0.0.1:0");
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });

        using var health = await client.GetAsync(new Uri(_guard!.Control, "/healthz"), Ct).WaitAsync(TestGuard.Patience, Ct);
        using var inside = await client.GetAsync(new Uri(_guard.App.Listeners.UrlsOf(EndpointRole.Gateway)[1], "/inside"), Ct).WaitAsync(TestGuard.Patience, Ct);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (health.StatusCode, inside.StatusCode));
        Assert.Equal(["/inside"], _served);
    }

    [Theory]
    [InlineData("Control")]
    [InlineData("Absent")]
    [InlineData("Secure")]
    public void Start_RedirectOfAnEndpointThatMayNot_IsRefused(string name)
    {
        var refused = Assert.Throws<ConfigurationException>(
            () => GuardApp.Build([$"--Guard:Tls:RedirectEndpoints:0={name}", "--Kestrel:Endpoints:Secure:Url=https://127.0.0.1:0"]));

        Assert.Equal($"Guard:Tls:RedirectEndpoints:0: '{name}' is not allowed; expected the name of an http:// endpoint that serves clients", refused.Message);
    }

    private async Task StartAsync(params string[] args)
        => _guard = await TestGuard.StartAsync(
            ["--Guard:Tls:RedirectEndpoints:0=gateway", "--Guard:Tls:RedirectPort=8443", .. args],
            context =>
            {
                _served.Add(context.Request.Path);
                return Task.CompletedTask;
            });
}
