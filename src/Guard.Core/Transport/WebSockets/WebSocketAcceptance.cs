using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Transport.WebSockets;

/// <summary>Puts a <see cref="WebSocketDuplex"/> between the forwarder and the two connections it is about to copy between.</summary>
internal static class WebSocketAcceptance
{
    /// <param name="duplex">The duplex of this exchange.</param>
    /// <param name="context">The client's handshake; its response has not started.</param>
    /// <param name="reply">The runner's 101, or 200 over HTTP/2. Its headers must have been copied.</param>
    public static void Put(WebSocketDuplex duplex, HttpContext context, HttpResponseMessage reply)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(new Connect(connect, duplex));
        }
        else if (context.Features.Get<IHttpUpgradeFeature>() is { } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, duplex));
        }

        reply.Content = new RunnerContent(reply.Content, duplex);
    }

    private sealed class Upgrade(IHttpUpgradeFeature inner, WebSocketDuplex duplex) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => inner.IsUpgradableRequest;

        public async Task<Stream> UpgradeAsync() => duplex.WrapClient(await inner.UpgradeAsync());
    }

    private sealed class Connect(IHttpExtendedConnectFeature inner, WebSocketDuplex duplex) : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => inner.IsExtendedConnect;

        public string? Protocol => inner.Protocol;

        public async ValueTask<Stream> AcceptAsync() => duplex.WrapClient(await inner.AcceptAsync());
    }

    private sealed class RunnerContent(HttpContent inner, WebSocketDuplex duplex) : HttpContent
    {
        protected override async Task<Stream> CreateContentReadStreamAsync() => duplex.WrapRunner(await inner.ReadAsStreamAsync());

        protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken)
            => duplex.WrapRunner(await inner.ReadAsStreamAsync(cancellationToken));

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            => throw new NotSupportedException("A connection is not copied as a whole.");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
