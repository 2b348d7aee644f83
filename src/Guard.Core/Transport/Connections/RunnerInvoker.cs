using System.Net;
using System.Text;
using Guard.Core.Options;

namespace Guard.Core.Transport.Connections;

/// <summary>
/// The one way HTTP leaves Guard for runners: forwarded requests and Guard's own start and stop calls share its connections. Locked down:
/// nothing is followed, stored, unpacked, added or resent. Thread-safe; live for the whole process.
/// </summary>
internal sealed class RunnerInvoker : HttpMessageInvoker
{
    /// <summary>
    /// Common servers close idle connections after 5 s. A request written at that moment would fail, and it is not resent, so Guard lets
    /// go first (the client looks once a second).
    /// </summary>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Names are resolved, and addresses judged, anew at least this often under steady traffic.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>How long, and for how many bytes, the rest of a reply nobody wants is read to keep its connection.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(1);

    private const int DrainBytes = 64 * 1024;

    /// <param name="connector">Judges every address.</param>
    /// <param name="options">The time limit of connecting is the one of the start.</param>
    /// <param name="tls">Null, or nothing in it: the system's certificate authorities, and no certificate of Guard's own.</param>
    public RunnerInvoker(RunnerConnector connector, LiveOptions options, RunnerTls? tls = null)
        : this(NewHandler(connector, options.Current.Forwarding.ConnectTimeout, tls))
    {
    }

    private RunnerInvoker(HttpMessageHandler handler)
        : base(handler, disposeHandler: true)
        => Handler = handler;

    /// <summary>The connections themselves, for whoever has to add something on the way to them. Owned by this invoker.</summary>
    public HttpMessageHandler Handler { get; }

    private static HttpMessageHandler NewHandler(RunnerConnector connector, TimeSpan connectTimeout, RunnerTls? tls)
        => tls is { IsConfigured: true }
            ? new RunnerTlsHandler(tls, () => NewHandler(connector, connectTimeout))
            : NewHandler(connector, connectTimeout);

    /// <summary>The locked-down client, not used yet: whoever takes it owns it.</summary>
    /// <param name="connector">Judges every address.</param>
    /// <param name="connectTimeout">For name, TCP and TLS together.</param>
    public static SocketsHttpHandler NewHandler(RunnerConnector connector, TimeSpan connectTimeout) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,

        // The forwarder writes traceparent itself; the client's own would overwrite what came from the edge.
        ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = true,

        // Header values are bytes: Latin-1 maps each to one character and back. Kestrel must be told the same.
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,

        // The connector bounds name and TCP; this bounds TLS as well.
        ConnectTimeout = connectTimeout,
        ConnectCallback = connector.ConnectAsync,
        PlaintextStreamFilter = static (context, _) => new(
            context.NegotiatedHttpVersion.Major == 1 ? new OneDeliveryStream(context.PlaintextStream) : context.PlaintextStream),
        PooledConnectionIdleTimeout = IdleTimeout,
        PooledConnectionLifetime = Lifetime,
        ResponseDrainTimeout = DrainTimeout,
        MaxResponseDrainSize = DrainBytes,

        // An HTTP/2 runner that vanished is noticed while requests wait for it.
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        KeepAlivePingDelay = TimeSpan.FromSeconds(30),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
    };
}
