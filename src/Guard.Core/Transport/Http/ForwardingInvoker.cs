using Guard.Core.Transport.Connections;

namespace Guard.Core.Transport.Http;

/// <summary>
/// <see cref="RunnerInvoker"/> for forwarded requests: over the same connections, with bodies that are flushed when the client pauses.
/// Thread-safe.
/// </summary>
internal sealed class ForwardingInvoker(RunnerInvoker runners) : HttpMessageInvoker(runners.Handler, disposeHandler: false)
{
    public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is not null && request.Options.TryGetValue(StreamedContent.BodyKey, out var body))
        {
            request.Content = new StreamedContent(request.Content, body);
        }

        return base.SendAsync(request, cancellationToken);
    }
}
