namespace Guard.Core.Transport.Connections;

/// <summary>
/// Not a byte of the request reached the runner: it may be sent again, anywhere. An <see cref="IOException"/>, because that is what the
/// HTTP client passes on as a failure of the connection.
/// </summary>
internal sealed class RunnerUnreachableException : IOException
{
    public RunnerUnreachableException(string message)
        : base(message)
    {
    }

    public RunnerUnreachableException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
