using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Guard.Core.Transport.Connections;
using Guard.Model.Pools;

namespace Guard.Core.State.Serverless;

/// <summary>Turns what went wrong with a call to a serverless endpoint into words and into the pool's error. Never quotes a header Guard
/// sent.</summary>
internal static class StartFaults
{
    private const string EventStream = "text/event-stream";

    /// <summary>What is wrong with the head of a 2xx; null when an event stream follows.</summary>
    public static PoolError? OfHead(HttpContentHeaders headers, HttpStatusCode status)
    {
        if (UnaskedEncoding(headers) is { } encoding)
        {
            return Connection($"answered {(int)status} with content-encoding {encoding}, which Guard did not ask for");
        }

        var type = headers.ContentType?.MediaType;
        return EventStream.Equals(type, StringComparison.OrdinalIgnoreCase)
            ? null
            : Connection($"answered {(int)status} with content-type {type ?? "missing"}; expected {EventStream}");
    }

    /// <summary>Whether the exception is one the HTTP client throws for what a peer or the network did.</summary>
    public static bool IsExpected(Exception fault) => fault is HttpRequestException or IOException or OperationCanceledException;

    public static PoolError TimedOut(TimeSpan limit, bool replied)
        => Connection(FormattableString.Invariant($"no {(replied ? "first message" : "reply")} within {limit.TotalSeconds:0.###} s"));

    /// <param name="fault">Expected: see <see cref="IsExpected"/>.</param>
    /// <param name="replied">The head of a reply had arrived.</param>
    public static PoolError Of(Exception fault, bool replied) => fault switch
    {
        EventTooLongException => new(PoolErrorKind.ServerlessInvalidSsePayload, Message: $"the first event is longer than {StartEvents.MaxEventBytes} bytes"),

        // The connection was closed before the body's own end: to an event stream that makes no difference.
        HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } when replied => new(PoolErrorKind.ServerlessStreamEndedEarly),
        _ => Connection(Describe(fault)),
    };

    /// <summary>In words, for whoever operates the endpoint.</summary>
    public static string Describe(Exception fault)
    {
        if (RunnerFaults.NotReached(fault) is { } notReached)
        {
            return Find<AuthenticationException>(fault) is { } tls ? $"{notReached}: {tls.Message}" : notReached;
        }

        return ErrorOf(fault) switch
        {
            HttpRequestError.InvalidResponse => "the reply is not valid HTTP",
            HttpRequestError.ConfigurationLimitExceeded => "the head of the reply is too long",
            HttpRequestError.ResponseEnded => "the connection was closed in the middle of the reply",
            _ when Find<RunnerClosedException>(fault) is not null => "the connection was closed without a reply",
            _ when Find<SocketException>(fault) is { SocketErrorCode: SocketError.ConnectionReset } => "the connection was reset",
            _ => "the connection broke",
        };
    }

    /// <summary>A content-encoding other than identity; null without one.</summary>
    public static string? UnaskedEncoding(HttpContentHeaders headers)
        => headers.ContentEncoding.FirstOrDefault(e => !e.Equals("identity", StringComparison.OrdinalIgnoreCase));

    private static PoolError Connection(string message) => new(PoolErrorKind.ServerlessConnectionError, Message: message);

    private static HttpRequestError? ErrorOf(Exception? fault) => fault switch
    {
        null => null,
        HttpIOException io => io.HttpRequestError,
        HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http => http.HttpRequestError,
        _ => ErrorOf(fault.InnerException),
    };

    private static T? Find<T>(Exception? fault)
        where T : Exception
        => fault is null ? null : fault as T ?? Find<T>(fault.InnerException);
}
