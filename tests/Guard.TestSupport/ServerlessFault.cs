using System.Security.Cryptography.X509Certificates;

namespace Guard.TestSupport;

/// <summary>One way a serverless endpoint may be broken, and what a request for an actor of its pool is to get.</summary>
/// <param name="Name">In words.</param>
/// <param name="PoolError">The type of <c>metadata.pool_error</c>; null where the request is served all the same.</param>
/// <param name="OnStart">What <c>/start</c> does; null: it works.</param>
/// <param name="OnMetadata">What <c>/metadata</c> does; null: it works.</param>
internal sealed record ServerlessFault(string Name, string? PoolError, ServerlessReply? OnStart = null, ServerlessReply? OnMetadata = null)
{
    private const string Connection = "serverless_connection_error";
    private const string Http = "serverless_http_error";
    private const string EndedEarly = "serverless_stream_ended_early";
    private const string Payload = "serverless_invalid_sse_payload";

    private static readonly ServerlessReply Broken = StartReplies.Status(500, "broken");

    /// <summary>The fault's name in vectors/peer-timings.json; null where the peer was not measured.</summary>
    public string? Peer { get; init; }

    /// <summary>Nothing can be known before the init timeout.</summary>
    public bool IsHang { get; init; }

    /// <summary>A request may be served before the fault shows.</summary>
    public bool MayServe { get; init; }

    /// <summary>Nobody listens at the endpoint's port.</summary>
    public bool IsAway { get; init; }

    /// <summary>The endpoint's certificate is trusted by nobody.</summary>
    public bool IsUntrusted { get; init; }

    /// <summary>In place of the endpoint's; healing gives the pool the right one.</summary>
    public string? Url { get; init; }

    /// <summary>Those the peer was measured with, and those of its kind.</summary>
    public static readonly IReadOnlyList<ServerlessFault> All =
    [
        new("endpoint refuses every connection", Connection) { Peer = "endpoint refuses every connection", IsAway = true },
        new("every path answers 500", Http, Broken, Broken) { Peer = "every path answers 500" },
        new("/start answers 500", Http, Broken) { Peer = "/start answers 500, /metadata healthy" },
        new("/start answers 404", Http, StartReplies.Status(404, "no such function")) { Peer = "/start answers 404, /metadata healthy" },
        new("/start answers 200 with JSON", Connection, StartReplies.JsonInPlaceOfStream) { Peer = "/start answers 200 with JSON instead of a stream" },
        new("/start's stream ends at once, /metadata broken", EndedEarly, StartReplies.EndsAtOnce, Broken) { Peer = "/start stream ends at once, /metadata broken" },
        new("/start's stream ends at once", EndedEarly, StartReplies.EndsAtOnce) { Peer = "/start stream ends at once, /metadata healthy" },
        new("/start sends invalid base64", Payload, StartReplies.InvalidBase64) { Peer = "/start sends invalid base64, /metadata healthy" },
        new("/start sends an invalid payload", Payload, StartReplies.InvalidPayload) { Peer = "/start sends an invalid payload, /metadata healthy" },
        new("/start hangs", Connection, StartReplies.Hang) { Peer = "/start hangs", IsHang = true },
        new("/metadata hangs", null, null, StartReplies.Hang) { Peer = "/metadata hangs" },
        new("/start's headers never end, one a second", Connection, StartReplies.SlowHead) { IsHang = true },
        new("/start's stream gives one byte a second", Connection, StartReplies.SlowStream) { IsHang = true },
        new("/start's stream ends right after its init", EndedEarly, StartReplies.InitThenEnd) { MayServe = true },
        new("/start redirects to itself, endlessly", Http, StartReplies.EndlessRedirect),
        new("/start redirects to a forbidden address", Http, StartReplies.ForbiddenRedirect),
        new("/start's stream is gzipped", Connection, StartReplies.Gzip),
        new("/start answers 500 with a body of 1 GB", Http, StartReplies.HugeBody(1L << 30)),
        new("/start answers what is not HTTP", Connection, StartReplies.Garbage),
        new("/start resets the connection", Connection, StartReplies.Reset),
        new("TLS fails: nobody trusts the certificate", Connection) { IsUntrusted = true },
        new("the host name does not exist", Connection) { Url = "http://no-such-host.invalid" },
        new("init twice", null, StartReplies.InitTwice),
        new("init has another version than /metadata", null, null, StartReplies.Metadata(7)),
    ];

    /// <summary>An endpoint with this fault.</summary>
    /// <param name="port">Of the loopback address.</param>
    public ServerlessEndpoint? Endpoint(int port)
        => IsAway ? null : new ServerlessEndpoint(OnStart, OnMetadata, port, IsUntrusted ? Certificate.Value : null);

    private static readonly Lazy<X509Certificate2> Certificate = new(ServerlessEndpoint.SelfSigned);
}
