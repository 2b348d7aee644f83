namespace Guard.Core.Transport.Connections;

/// <summary>
/// Connections to runners with the credentials in use: once they are renewed, each further request goes over connections made with the
/// new ones, while requests under way and WebSockets keep theirs. Thread-safe.
/// </summary>
/// <param name="tls">What to connect with.</param>
/// <param name="newHandler">Makes a client that was not used yet.</param>
internal sealed class RunnerTlsHandler(RunnerTls tls, Func<SocketsHttpHandler> newHandler) : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private volatile Connections? _current;
    private Connections? _before;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        => Current().SendAsync(request, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_lock)
            {
                _current?.Invoker.Dispose();
                _before?.Invoker.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private HttpMessageInvoker Current()
        => _current is { } current && ReferenceEquals(current.Credentials, tls.Current) ? current.Invoker : Renew();

    private HttpMessageInvoker Renew()
    {
        lock (_lock)
        {
            var credentials = tls.Current;
            if (_current is not { } current || !ReferenceEquals(current.Credentials, credentials))
            {
                // The client before lives on until the next renewal: a request may be about to use it, and what it has under way comes
                // back to it. Disposing of one ends what is idle, and the rest when it is done.
                _before?.Invoker.Dispose();
                _before = _current;
                var handler = newHandler();
                handler.SslOptions = credentials.NewOptions();
                _current = current = new(credentials, new HttpMessageInvoker(handler));
            }

            return current.Invoker;
        }
    }

    private sealed record Connections(RunnerCredentials Credentials, HttpMessageInvoker Invoker);
}
