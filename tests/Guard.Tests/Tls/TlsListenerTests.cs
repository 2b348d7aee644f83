using System.Net.Security;
using System.Security.Authentication;
using Guard.Configuration;

namespace Guard.Tests.Tls;

/// <summary>Which certificate a client is shown, and that what Kestrel's configuration says of an endpoint goes on to hold.</summary>
public sealed class TlsListenerTests : IAsyncLifetime
{
    private readonly TestAuthority _root = new("root");
    private readonly TlsGuard _guard = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _guard.DisposeAsync();
        _root.Dispose();
    }

    [Fact]
    public async Task Handshake_CertificateOfAnIntermediate_ComesWithIt()
    {
        using var intermediate = new TestAuthority("intermediate", _root);
        var leaf = intermediate.Issue("a.example");
        await _guard.StartWithAsync(leaf with { Pem = leaf.Pem + intermediate.Pem });

        await using var client = await TlsClient.ConnectAsync(_guard.Gateway, "a.example", _root, http2: true);

        Assert.Equal(leaf.Thumbprint, client.Thumbprint);
        Assert.Equal(SslApplicationProtocol.Http2, client.Protocol);
    }

    [Fact]
    public async Task Handshake_ServerName_PicksItsCertificate()
    {
        string[][] names = [["first.example"], ["b.example", "*.wild.example"], ["exact.wild.example", "xn--bcher-kva.example"]];
        var certificates = names.Select(n => _root.Issue(n)).ToArray();
        await _guard.StartAsync(certificates
            .Select((c, i) => $"--Guard:Tls:Certificates:{i}={_guard.Files.Write($"{i}.pem", c.Pem + c.Key)}").ToArray());

        (string? Asked, int Shown)[] cases =
        [
            ("first.example", 0), ("b.example", 1), ("B.Example", 1), ("any.wild.example", 1), ("exact.wild.example", 2), ("xn--bcher-kva.example", 2),
            ("too.deep.wild.example", 0), ("wild.example", 0), ("unknown.example", 0), (null, 0),
        ];
        foreach (var (asked, shown) in cases)
        {
            Assert.Equal((asked, certificates[shown].Thumbprint), (asked, await TlsClient.ThumbprintAsync(_guard.Gateway, asked)));
        }
    }

    [Fact]
    public async Task Handshake_EndpointWithItsOwnCertificate_KeepsIt()
    {
        var (shared, own, forName) = (_root.Issue("a.example"), _root.Issue("a.example"), _root.Issue("a.example"));
        await _guard.StartWithAsync(
            shared,
            "--Kestrel:Endpoints:Own:Url=https://127.0.0.1:0",
            $"--Kestrel:Endpoints:Own:Certificate:Path={_guard.Files.Write("own.crt", own.Pem)}",
            $"--Kestrel:Endpoints:Own:Certificate:KeyPath={_guard.Files.Write("own.key", own.Key)}",
            "--Kestrel:Endpoints:Sni:Url=https://127.0.0.1:0",
            $"--Kestrel:Endpoints:Sni:Sni:*:Certificate:Path={_guard.Files.Write("sni.crt", forName.Pem)}",
            $"--Kestrel:Endpoints:Sni:Sni:*:Certificate:KeyPath={_guard.Files.Write("sni.key", forName.Key)}");

        var shown = new List<string>();
        foreach (var url in _guard.Guard.App.Listeners.UrlsOf(EndpointRole.Gateway))
        {
            shown.Add(await TlsClient.ThumbprintAsync(url, "a.example"));
        }

        Assert.Equal([shared.Thumbprint, own.Thumbprint, forName.Thumbprint], shown);
    }

    [Theory]
    [InlineData("RequireCertificate", false)]
    [InlineData("AllowCertificate", true)]
    public async Task Handshake_ClientCertificateMode_Holds(string mode, bool served)
    {
        await _guard.StartWithAsync(_root.Issue("a.example"), $"--Kestrel:Endpoints:Gateway:ClientCertificateMode={mode}");

        var refusal = await Record.ExceptionAsync(async () =>
        {
            await using var client = await TlsClient.ConnectAsync(_guard.Gateway, "a.example");
            await client.GetAsync(TlsGuard.Reply);
        });

        if (served)
        {
            Assert.Null(refusal);
        }
        else
        {
            // With TLS 1.3 the client hears of it when it reads.
            Assert.True(refusal is IOException or AuthenticationException, refusal?.ToString());
        }
    }
}
