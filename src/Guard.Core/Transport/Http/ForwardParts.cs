using Guard.Core.Options;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <summary>What every <see cref="ForwardExchange"/> works with. The logger is that of <see cref="ActorForwarder"/>.</summary>
internal sealed record ForwardParts(
    IHttpForwarder Forwarder,
    ForwardingInvoker Invoker,
    ForwardProtocols Requests,
    ForwardProtocols WebSockets,
    LiveOptions Options,
    TrustedProxies Trusted,
    LastReply LastReply,
    ILogger Logger);
