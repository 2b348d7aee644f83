using Guard.Core.Errors;
using Guard.Core.Transport.Connections;
using Microsoft.AspNetCore.Http;

namespace Guard.Core.Transport.Http;

/// <summary>Reads what went wrong out of the exceptions the HTTP client and the server throw.</summary>
internal static class ForwardFaults
{
    /// <summary>True when a limit on silence fired: the caller has ruled out the other reasons to cancel.</summary>
    public static bool IsTimeout(Exception? fault) => Any(fault, static e => e is OperationCanceledException);

    /// <summary><c>response</c> when the request had been sent and what came back, or did not, is at fault; else <c>request</c>.</summary>
    public static string Phase(Exception? fault) => Any(fault, static e =>
        e is RunnerClosedException
        || e is HttpIOException
        || e is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse
                or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.HttpProtocolError
        })
            ? "response"
            : "request";

    /// <summary>The error for a body the client did not send as it should; null when the client is simply gone.</summary>
    public static GuardError? OfClientBody(Exception fault, long limit) => fault switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => GuardErrors.RequestBodyTooLarge(limit),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => GuardErrors.RequestTimeout("request_body"),

        // The server tells an end from a malformed body by the text only. It saw the end before it could tell the request of it.
        BadHttpRequestException when fault.Message.StartsWith("Unexpected end of request content", StringComparison.Ordinal) => null,
        BadHttpRequestException => GuardErrors.InvalidFraming("the request body is malformed"),

        // A chunk size above 2^31-1: the server's parser fails on it instead of refusing it.
        _ when Any(fault, static e => e is OverflowException) => GuardErrors.InvalidFraming("the request body is malformed"),
        _ => null,
    };

    private static bool Any(Exception? fault, Func<Exception, bool> match) => fault switch
    {
        null => false,
        _ when match(fault) => true,
        AggregateException many => many.InnerExceptions.Any(e => Any(e, match)),
        _ => Any(fault.InnerException, match),
    };
}
