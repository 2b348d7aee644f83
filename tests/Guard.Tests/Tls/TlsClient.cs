using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Guard.Tests.Hosting;

namespace Guard.Tests.Tls;

/// <summary>One connection by TLS, with what the server showed.</summary>
internal sealed class TlsClient : IAsyncDisposable
{
    private readonly TcpClient _tcp;
    private readonly SslStream _stream;

    private TlsClient(TcpClient tcp, SslStream stream) => (_tcp, _stream) = (tcp, stream);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string Thumbprint { get; private set; } = "";

    public SslApplicationProtocol Protocol => _stream.NegotiatedApplicationProtocol;

    /// <param name="url">Where to.</param>
    /// <param name="serverName">What to ask for; null to ask for nothing.</param>
    /// <param name="root">Checks the chain that was sent against it; null checks nothing.</param>
    /// <param name="http2">Offers HTTP/2 before HTTP/1.1.</param>
    public static async Task<TlsClient> ConnectAsync(Uri url, string? serverName, TestAuthority? root = null, bool http2 = false)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(url.Host, url.Port, Ct).AsTask().WaitAsync(TestGuard.Patience, Ct);
        var client = new TlsClient(tcp, new SslStream(tcp.GetStream()));
        await client._stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = serverName ?? "",
                ApplicationProtocols = http2 ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http11],
                CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
                RemoteCertificateValidationCallback = (_, shown, chain, _) => client.Accept((X509Certificate2)shown!, chain!, root),
            },
            Ct).WaitAsync(TestGuard.Patience, Ct);
        return client;
    }

    /// <summary>The thumbprint a new connection is shown.</summary>
    public static async Task<string> ThumbprintAsync(Uri url, string? serverName)
    {
        await using var client = await ConnectAsync(url, serverName);
        return client.Thumbprint;
    }

    /// <summary>Sends a GET and reads until <paramref name="end"/>, the end of the reply. Throws when the server closes before.</summary>
    public async Task GetAsync(string end)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes("GET / HTTP/1.1\r\nHost: test\r\n\r\n"), Ct).AsTask().WaitAsync(TestGuard.Patience, Ct);
        var reply = "";
        var buffer = new byte[4096];
        while (!reply.EndsWith(end, StringComparison.Ordinal))
        {
            var count = await _stream.ReadAsync(buffer, Ct).AsTask().WaitAsync(TestGuard.Patience, Ct);
            reply += count > 0 ? Encoding.Latin1.GetString(buffer, 0, count) : throw new IOException($"closed after '{reply}'");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _tcp.Dispose();
    }

    private bool Accept(X509Certificate2 shown, X509Chain chain, TestAuthority? root)
    {
        Thumbprint = shown.Thumbprint;
        return root?.Issued(shown, chain.ChainPolicy.ExtraStore) ?? true;
    }
}
