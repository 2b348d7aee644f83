namespace Guard.Core.Transport.Connections;

/// <summary>Reads out of the HTTP client's exceptions what happened on the way to a runner.</summary>
internal static class RunnerFaults
{
    /// <summary>
    /// A short name of the fault when provably not a byte of the request left: the connection was refused, not resolved, not allowed, not
    /// established in time, had been closed before, or failed in TLS. Else null.
    /// </summary>
    public static string? NotReached(Exception? fault) => fault switch
    {
        null => null,
        RunnerUnreachableException unreachable => unreachable.Message,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "TLS handshake failed",

        // The client marks its own connect timeout so, and nothing else: it covers TLS, where the connector's has ended.
        OperationCanceledException { InnerException: TimeoutException } => "connect timeout",
        AggregateException many => many.InnerExceptions.Select(NotReached).FirstOrDefault(n => n is not null),
        _ => NotReached(fault.InnerException),
    };

    /// <summary>For logs and <c>ExposeErrors</c>.</summary>
    public static string? Describe(Exception? fault)
        => fault?.GetBaseException() is { } cause ? $"{cause.GetType().Name}: {cause.Message}" : null;
}
