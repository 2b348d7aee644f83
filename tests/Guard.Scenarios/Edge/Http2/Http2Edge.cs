using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Guard.TestSupport;

namespace Guard.Scenarios.Edge.Http2;

/// <summary>An <see cref="EdgeGuard"/> with two more gateway endpoints: h2c, and TLS with ALPN.</summary>
internal sealed class Http2Edge : IAsyncDisposable
{
    private static readonly Lazy<Task<Http2Edge>> Shared = new(() => StartAsync(CancellationToken.None));
    private readonly TemporaryDirectory _directory;
    private readonly int _h2c;
    private readonly int _tls;

    private Http2Edge(EdgeGuard guard, TemporaryDirectory directory, int h2c, int tls) => (Guard, _directory, _h2c, _tls) = (guard, directory, h2c, tls);

    public EdgeGuard Guard { get; }

    public static Task<Http2Edge> SharedAsync(CancellationToken cancellationToken) => Shared.Value.WaitAsync(cancellationToken);

    public static async Task<Http2Edge> StartAsync(CancellationToken cancellationToken, params (string Key, string Value)[] settings)
    {
        var directory = new TemporaryDirectory();
        var (h2c, tls) = (FreePort.Next(), FreePort.Next());
        var path = Path.Combine(directory.Root, "edge.pfx");
        using (var key = RSA.Create(2048))
        {
            var now = TimeProvider.System.GetUtcNow();
            using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
            await File.WriteAllBytesAsync(path, certificate.Export(X509ContentType.Pfx, "secret"), cancellationToken);
        }

        var guard = await EdgeGuard.StartAsync(
            [
                ("Kestrel:Endpoints:Internal:Url", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{h2c}")),
                ("Kestrel:Endpoints:Internal:Protocols", "Http2"),
                ("Kestrel:Endpoints:Public:Url", string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{tls}")),
                ("Kestrel:Endpoints:Public:Certificate:Path", path),
                ("Kestrel:Endpoints:Public:Certificate:Password", "secret"),
                .. settings,
            ],
            cancellationToken);
        return new Http2Edge(guard, directory, h2c, tls);
    }

    public Task<H2Connection> ConnectAsync(
        bool tls, CancellationToken cancellationToken, System.Net.IPAddress? from = null, (ushort Id, uint Value)[]? settings = null)
        => H2Connection.OpenAsync(tls ? _tls : _h2c, tls, cancellationToken, from, settings);

    /// <summary>The fields of a GET, with more behind them.</summary>
    public (string Name, string Value)[] Get(string path, params (string Name, string Value)[] more)
        => [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", Guard.Fill(path)), .. more];

    public async ValueTask DisposeAsync()
    {
        await Guard.DisposeAsync();
        _directory.Dispose();
    }
}
