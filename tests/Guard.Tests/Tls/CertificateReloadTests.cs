using Guard.Configuration;
using Guard.Hosting;

namespace Guard.Tests.Tls;

/// <summary>Certificates that change under a running Guard, over real connections.</summary>
public sealed class CertificateReloadTests : IAsyncLifetime
{
    private const string Reloaded = "guard_tls_certificate_reload_success{certificate=\"0\"}";
    private const string Expiry = "guard_tls_certificate_expiry_timestamp_seconds{certificate=\"0\"}";

    private readonly TestAuthority _authority = new("root");
    private readonly TlsGuard _guard = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _guard.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public async Task Renewal_OldConnection_GoesOnWhileNewOnesGetTheNewCertificate()
    {
        var (first, second) = (_authority.Issue("a.example"), _authority.Issue("a.example"));
        await _guard.StartWithAsync(first);
        await using var old = await TlsClient.ConnectAsync(_guard.Gateway, "a.example");
        await old.GetAsync(TlsGuard.Reply);
        Assert.Equal(first.Thumbprint, old.Thumbprint);

        _guard.Write(second);
        _guard.Settle();

        await using var young = await TlsClient.ConnectAsync(_guard.Gateway, "a.example");
        Assert.Equal(second.Thumbprint, young.Thumbprint);
        await young.GetAsync(TlsGuard.Reply);
        await old.GetAsync(TlsGuard.Reply);
        Assert.Equal(1, await _guard.MetricAsync(Reloaded));
        Assert.Equal(new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds(), await _guard.MetricAsync(Expiry));
        Assert.Single(_guard.Guard.Log.Lines, l => l.StartsWith("Information Certificate Guard:Tls:Certificates:0 was renewed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("not PEM", "tls.crt", "no PEM at all")]
    [InlineData("empty", "tls.crt", "")]
    [InlineData("missing", "tls.crt", null)]
    [InlineData("key missing", "tls.key", null)]
    [InlineData("broken inside", "tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData("key broken inside", "tls.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    public async Task Renewal_CannotBeUsed_KeepsTheOldAndSaysSoUntilRepaired(string what, string file, string? text)
    {
        var (first, second) = (_authority.Issue("a.example"), _authority.Issue("a.example"));
        await _guard.StartWithAsync(first);

        if (text is null)
        {
            File.Delete(_guard.PathOf(file));
        }
        else
        {
            _guard.Files.Write(file, text);
        }

        _guard.Settle();
        _guard.Settle();

        Assert.True(first.Thumbprint == await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"), what);
        Assert.Equal(0, await _guard.MetricAsync(Reloaded));
        Assert.Single(_guard.Guard.Log.Lines, l => l.StartsWith("Error Certificate Guard:Tls:Certificates:0 changed and cannot be used", StringComparison.Ordinal));

        _guard.Write(second);
        _guard.Settle();

        Assert.Equal(second.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"));
        Assert.Equal(1, await _guard.MetricAsync(Reloaded));
        Assert.DoesNotContain(_guard.Guard.Log.Lines, l => l.Contains("bug in Guard", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Renewal_KeyLongAfterTheCertificate_TakesBothTogether()
    {
        var (first, second) = (_authority.Issue("a.example"), _authority.Issue("a.example"));
        await _guard.StartWithAsync(first);

        _guard.Files.Write("tls.crt", second.Pem);
        _guard.Settle();
        Assert.Equal(first.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"));

        _guard.Files.Write("tls.key", second.Key);
        _guard.Settle();
        Assert.Equal(second.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"));
    }

    [Fact]
    public async Task Renewal_MountedSecretSwapped_IsSeen()
    {
        // As Kubernetes does it: tls.crt -> ..data/tls.crt, ..data -> a directory per version, replaced by one rename.
        var (first, second) = (_authority.Issue("a.example"), _authority.Issue("a.example"));
        foreach (var (version, certificate) in new[] { ("v1", first), ("v2", second) })
        {
            Directory.CreateDirectory(_guard.PathOf(version));
            _guard.Files.Write(Path.Combine(version, "tls.crt"), certificate.Pem);
            _guard.Files.Write(Path.Combine(version, "tls.key"), certificate.Key);
        }

        File.CreateSymbolicLink(_guard.PathOf("..data"), "v1");
        File.CreateSymbolicLink(_guard.PathOf("tls.crt"), Path.Combine("..data", "tls.crt"));
        File.CreateSymbolicLink(_guard.PathOf("tls.key"), Path.Combine("..data", "tls.key"));
        await _guard.StartAsync([$"--Guard:Tls:Certificates:0={_guard.PathOf("tls.crt")}", $"--Guard:Tls:Keys:0={_guard.PathOf("tls.key")}"]);
        Assert.Equal(first.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"));

        await _guard.Files.MoveLinkAsync("..data", "v2");
        _guard.Settle();

        Assert.Equal(second.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, "a.example"));
    }

    [Fact]
    public async Task Renewal_LinkPointedElsewhere_IsSeen()
    {
        // As certbot does it: live/fullchain.pem -> archive/fullchain1.pem, then fullchain2.pem.
        var (first, second) = (_authority.Issue("a.example"), _authority.Issue("a.example"));
        _guard.Files.Write("both1.pem", first.Pem + first.Key);
        _guard.Files.Write("both2.pem", second.Pem + second.Key);
        File.CreateSymbolicLink(_guard.PathOf("both.pem"), "both1.pem");
        await _guard.StartAsync([$"--Guard:Tls:Certificates:0={_guard.PathOf("both.pem")}"]);
        Assert.Equal(first.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, null));

        File.Delete(_guard.PathOf("both.pem"));
        File.CreateSymbolicLink(_guard.PathOf("both.pem"), "both2.pem");
        _guard.Settle();

        Assert.Equal(second.Thumbprint, await TlsClient.ThumbprintAsync(_guard.Gateway, null));
    }

    [Theory]
    [InlineData("Tls:Certificates:0")]
    [InlineData("Runners:Tls:Certificate")]
    [InlineData("Runners:Tls:Authorities")]
    public void Start_FileWithoutCertificate_IsRefusedWithTheKey(string key)
    {
        var path = _guard.Files.Write("empty.pem", "nothing\n");

        var refused = Assert.Throws<ConfigurationException>(() => GuardApp.Build([$"--Guard:{key}={path}"]));

        Assert.StartsWith($"Guard:{key}: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }
}
