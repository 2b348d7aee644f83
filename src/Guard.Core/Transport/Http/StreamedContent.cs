using System.Net;

namespace Guard.Core.Transport.Http;

/// <summary>
/// The forwarder's request body, told where it goes: the HTTP client gathers small writes and would hold a client's first words back
/// until enough followed, so the body flushes them whenever the client pauses.
/// </summary>
internal sealed class StreamedContent : HttpContent
{
    public static readonly HttpRequestOptionsKey<ReplayableBody> BodyKey = new("guard.body");

    private readonly HttpContent _inner;
    private readonly ReplayableBody _body;

    public StreamedContent(HttpContent inner, ReplayableBody body)
    {
        (_inner, _body) = (inner, body);
        foreach (var (name, values) in inner.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _body.Sink = stream;
        try
        {
            await _inner.CopyToAsync(stream, context, cancellationToken);
        }
        finally
        {
            _body.Sink = null;
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        // The client's own framing stands in the headers.
        length = 0;
        return false;
    }
}
