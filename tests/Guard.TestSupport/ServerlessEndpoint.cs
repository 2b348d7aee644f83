using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Guard.TestSupport;

/// <summary>What a <see cref="ServerlessEndpoint"/> does with one call, on the bare socket.</summary>
internal delegate Task ServerlessReply(RawConnection connection, RawRequest request);

/// <summary>
/// A serverless endpoint that behaves, or breaks, as the test says: a bare socket for <c>/start</c>, <c>/metadata</c>, the start and stop
/// calls of the runner it gives, and requests for its actors. What it does may change while it runs. Thread-safe.
/// </summary>
internal sealed class ServerlessEndpoint : IAsyncDisposable
{
    private readonly RawRunner _server;
    private volatile ServerlessReply _onStart;
    private volatile ServerlessReply _onMetadata;
    private volatile ServerlessReply _onActor = StartReplies.Ok;

    public ServerlessEndpoint(ServerlessReply? onStart = null, ServerlessReply? onMetadata = null, int port = 0, X509Certificate2? certificate = null)
    {
        _onStart = onStart ?? StartReplies.Healthy;
        _onMetadata = onMetadata ?? StartReplies.Metadata(1);
        _server = new RawRunner(AnswerAsync, port, certificate);
    }

    public string Url => _server.Endpoint;

    public ServerlessReply OnStart
    {
        get => _onStart;
        set => _onStart = value;
    }

    public ServerlessReply OnMetadata
    {
        get => _onMetadata;
        set => _onMetadata = value;
    }

    /// <summary>Start and stop calls, and requests for actors.</summary>
    public ServerlessReply OnActor
    {
        get => _onActor;
        set => _onActor = value;
    }

    public IReadOnlyList<RawRequest> Requests => _server.Requests;

    public int Connections => _server.Connections;

    /// <summary>Start calls so far.</summary>
    public int Starts => Requests.Count(IsStart);

    /// <summary>The next request of any kind not yet taken.</summary>
    public Task<RawRequest> NextAsync(CancellationToken cancellationToken) => _server.NextAsync(cancellationToken);

    /// <summary>A certificate nobody trusts.</summary>
    public static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));

        // Servers cannot use the key of the one made above on every platform.
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static bool IsStart(RawRequest request)
        => request.RequestLine.StartsWith("GET /start ", StringComparison.Ordinal) && !request.Has("x-rivet-actor");

    private static bool IsMetadata(RawRequest request)
        => request.RequestLine.StartsWith("GET /metadata ", StringComparison.Ordinal) && !request.Has("x-rivet-actor");

    private Task AnswerAsync(RawConnection connection, RawRequest request)
        => (IsStart(request) ? _onStart : IsMetadata(request) ? _onMetadata : _onActor)(connection, request);
}
