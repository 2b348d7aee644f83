using System.Net;
using Guard.Core.Transport.WebSockets;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <summary>
/// One try over HTTP. Being the transformer that the forwarder calls back, the exchange is all that a try allocates. Never throws out of a callback: the forwarder could not clean up a response that has started.
/// </summary>
internal sealed partial class ForwardExchange : RunnerExchange
{
    /// <summary>The target is sent as it was received: nothing decoded, resolved or cut.</summary>
    private static readonly UriCreationOptions Raw = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly ForwardParts _parts;
    private readonly string _target;
    private readonly WebSocketHandshake? _handshake;
    private bool _offersRivet;

    /// <param name="parts">What all exchanges share.</param>
    /// <param name="context">The client's request; its response must not have started.</param>
    /// <param name="route">Must have a runner.</param>
    /// <param name="target">Path and query as the actor sees them, byte for byte.</param>
    /// <param name="body">The request's body; null when it has none.</param>
    /// <param name="handshake">Set for a WebSocket handshake; outlives the exchange.</param>
    public ForwardExchange(
        ForwardParts parts, HttpContext context, ActorRoute route, string target, ReplayableBody? body, WebSocketHandshake? handshake)
    {
        (_parts, Context, Route, Body) = (parts, context, route, body);
        Runner = route.Runner ?? throw new ArgumentException("The route has no runner.", nameof(route));
        (_target, _handshake) = (target, handshake);
    }

    public HttpContext Context { get; }

    public override ActorRoute Route { get; }

    public RunnerAddress Runner { get; }

    /// <summary>The request's body; null when it has none.</summary>
    public ReplayableBody? Body { get; }

    /// <summary>A reply was received, of whatever kind.</summary>
    public bool HasReply { get; private set; }

    /// <summary>The whole reply was handed to the client's connection.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Set when the reply is not for the client; it is undone then.</summary>
    public ForwardOutcome? Verdict { get; private set; }

    /// <summary>Why the copy of an event stream, or of reply headers, ended early.</summary>
    public Exception? Fault { get; private set; }

    public override ValueTask<ForwarderError> SendAsync()
    {
        var at = HttpLocations.Of(Runner);
        return _handshake is null
            ? _parts.Forwarder.SendAsync(Context, at.Url, _parts.Invoker, _parts.Requests.For(at), this)
            : _parts.Forwarder.SendAsync(Context, at.Url, _parts.Invoker, _parts.WebSockets.For(at), this, _handshake.Token);
    }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix + _target, Raw);
        if (Body is not null)
        {
            proxyRequest.Options.Set(StreamedContent.BodyKey, Body);
        }

        _offersRivet = RequestHeaders.Copy(httpContext, proxyRequest, Route, Runner, _parts.Trusted, isWebSocket: _handshake is not null);
        return default;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        HasReply = true;
        Verdict = Judge(httpContext, proxyResponse);
        if (Verdict is not null)
        {
            return new(false);
        }

        try
        {
            ResponseHeaders.Copy(httpContext, proxyResponse);
            _parts.LastReply.Mark(httpContext);
        }
        catch (InvalidOperationException e)
        {
            return Fail(e);
        }

        if (_handshake is not null)
        {
            return EndHandshake(_handshake, httpContext, proxyResponse);
        }

        if (proxyResponse.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            return Fail(new HttpRequestException("The runner switched protocols, which nobody asked for."));
        }

        return EventStream.Is(httpContext, proxyResponse) ? CopyEventsAsync(httpContext, proxyResponse) : new(true);
    }

    public override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        Finish(httpContext, proxyResponse);
        return default;
    }

    /// <summary>Null when the reply is the client's.</summary>
    private ForwardOutcome? Judge(HttpContext context, HttpResponseMessage reply)
    {
        if (reply.StatusCode == HttpStatusCode.MisdirectedRequest)
        {
            return new(ForwardStatus.NotMyActor, LastError: "not_my_actor");
        }

        if (reply.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout) || !MayTryAgain(context))
        {
            return null;
        }

        var error = ResponseHeaders.Values(reply.Headers, HeaderRules.Error).ToString().Trim();
        return error is "guard.service_unavailable" or "guard.actor_stopped_while_waiting"
            ? new(ForwardStatus.FailedTry, LastError: error)
            : null;
    }

    /// <summary>A handshake is a GET without a body, whatever HTTP/2 calls it.</summary>
    private bool MayTryAgain(HttpContext context)
        => _handshake is not null || (ReplayRules.IsIdempotent(context.Request.Method) && Body is not { CanReplay: false });

    private ValueTask<bool> EndHandshake(WebSocketHandshake handshake, HttpContext context, HttpResponseMessage reply)
    {
        var accepted = reply.StatusCode == HttpStatusCode.SwitchingProtocols
            || (reply.StatusCode == HttpStatusCode.OK && reply.RequestMessage?.Method == HttpMethod.Connect);
        if (!accepted)
        {
            handshake.Refused();
            return new(true);
        }

        if (reply.StatusCode == HttpStatusCode.SwitchingProtocols && !WebSocketAccept.Answers(reply))
        {
            return Fail(new HttpRequestException("The runner's 101 does not answer the handshake it was sent."));
        }

        WebSocketAcceptance.Put(handshake.Accept(Route.IdText, Runner.RunnerId, context.TraceIdentifier), context, reply);
        var headers = context.Response.Headers;
        if (_offersRivet && string.IsNullOrEmpty(headers.SecWebSocketProtocol))
        {
            headers.SecWebSocketProtocol = SubprotocolOffer.Rivet;
        }

        return new(true);
    }

    private async ValueTask<bool> CopyEventsAsync(HttpContext context, HttpResponseMessage reply)
    {
        try
        {
            await EventStream.CopyAsync(context, reply);
            Finish(context, reply);
        }
        catch (Exception e)
        {
            // Whatever it was, the stream is not complete; the forwarder's caller ends the connection.
            Fault = e;
        }

        return false;
    }

    private void Finish(HttpContext context, HttpResponseMessage reply)
    {
        try
        {
            ResponseHeaders.CopyTrailers(context, reply);
            IsComplete = true;
        }
        catch (InvalidOperationException e)
        {
            Fault = e;
        }
    }

    private ValueTask<bool> Fail(Exception fault)
    {
        Fault = fault;
        return new(false);
    }
}
