using System.Net;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.WebSockets;
using Guard.Model.Runners;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Delivers a request to an actor's runner, once, and the reply to the client: docs/contract.md, section 3. Whether it is sent again is for
/// <see cref="ReplayRules"/> to say. Thread-safe.
/// </summary>
internal sealed class ActorForwarder
{
    private readonly IHttpForwarder _forwarder;
    private readonly ForwardingInvoker _invoker;
    private readonly LiveOptions _options;
    private readonly TrustedProxies _trusted;
    private readonly LastReply _lastReply;
    private readonly OpenWebSockets _open;
    private readonly GuardMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Protocols _requests;
    private readonly Protocols _webSockets;

    public ActorForwarder(
        IHttpForwarder forwarder,
        ForwardingInvoker invoker,
        LiveOptions options,
        TrustedProxies trusted,
        LastReply lastReply,
        OpenWebSockets open,
        GuardMetrics metrics,
        TimeProvider time,
        ILogger<ActorForwarder> logger)
    {
        (_forwarder, _invoker, _options, _trusted, _lastReply) = (forwarder, invoker, options, trusted, lastReply);
        (_open, _metrics, _time, _logger) = (open, metrics, time, logger);
        _requests = new Protocols(options.Current.Forwarding.ActivityTimeout, HttpVersion.Version20);

        // Upgraded connections may be silent for ever; the handshake before has its own limit. Over TLS a WebSocket goes as HTTP/1.1,
        // which every server of either version speaks.
        _webSockets = new Protocols(Timeout.InfiniteTimeSpan, HttpVersion.Version11);
    }

    /// <summary>The first of three steps that send a request to the runner of <paramref name="route"/>, and, unless it has to be sent elsewhere,
    /// the reply to the client. Not for WebSocket handshakes. The caller awaits the second step itself: an asynchronous method more on the way is
    /// paid for by each request.</summary>
    /// <param name="context">The client's request; its response must not have started. CORS headers are on it already.</param>
    /// <param name="route">Must have a runner.</param>
    /// <param name="forwardedTarget">Path and query as the actor sees them, byte for byte.</param>
    /// <param name="body">The request's body; null when it has none. Rewound here.</param>
    /// <param name="cancellationToken">Ends the exchange; the client's leaving does so by itself.</param>
    public ForwardExchange Begin(
        HttpContext context, ActorRoute route, string forwardedTarget, ReplayableBody? body, CancellationToken cancellationToken)
    {
        if (body is not null)
        {
            body.Rewind();
            context.Request.Body = body;
        }

        return new(context, route, RunnerOf(route), forwardedTarget, body, _trusted, _lastReply, null, cancellationToken);
    }

    /// <summary>The second step; give what it returns to <see cref="End"/>.</summary>
    public ValueTask<ForwarderError> SendAsync(ForwardExchange exchange)
        => _forwarder.SendAsync(exchange.Context, HttpLocations.Of(exchange.Runner).Url, _invoker, _requests.For(exchange.Runner), exchange, exchange.Cancellation);

    /// <summary>The third step: what came of it. Expected failures are never thrown.</summary>
    public ForwardOutcome End(ForwardExchange exchange, ForwarderError error)
        => exchange.IsComplete ? new(ForwardStatus.Done) : Conclude(exchange, error);

    /// <summary>Forwards a WebSocket handshake, and the connection it becomes.</summary>
    /// <param name="context">As for <see cref="Begin"/>, like the rest.</param>
    /// <returns>See <see cref="ForwardOutcome"/>; expected failures are never thrown.</returns>
    public async ValueTask<ForwardOutcome> ForwardWebSocketAsync(
        HttpContext context, ActorRoute route, string forwardedTarget, CancellationToken cancellationToken)
    {
        var runner = RunnerOf(route);
        var limits = _options.Current.Forwarding;
        using var handshake = new WebSocketHandshake(limits.HandshakeTimeout, limits.ActivityTimeout, _time, _open, _metrics.WebSockets, cancellationToken);
        var exchange = new ForwardExchange(context, route, runner, forwardedTarget, null, _trusted, _lastReply, handshake, cancellationToken);
        var error = await _forwarder.SendAsync(context, HttpLocations.Of(runner).Url, _invoker, _webSockets.For(runner), exchange, handshake.Token);
        if (handshake.IsAccepted && context.Response.HasStarted)
        {
            if (error is not (ForwarderError.None or ForwarderError.UpgradeRequestClient or ForwarderError.UpgradeResponseClient))
            {
                // The runner's side broke (or we were told to stop): the client must not take it for an orderly end.
                context.Abort();
            }

            if (handshake.Duplex.IsRunnerLost)
            {
                _logger.RunnerLost(context.TraceIdentifier, route.IdText, runner.RunnerId);
            }

            return new(ForwardStatus.Done);
        }

        return exchange.IsComplete ? new(ForwardStatus.Done) : Conclude(exchange, error, handshake);
    }

    private static RunnerAddress RunnerOf(ActorRoute route)
        => route.Runner ?? throw new ArgumentException("The route has no runner.", nameof(route));

    /// <summary>Finds out how an exchange ended that did not end well.</summary>
    private ForwardOutcome Conclude(ForwardExchange exchange, ForwarderError error, WebSocketHandshake? handshake = null)
    {
        var (context, route, runner) = (exchange.Context, exchange.Route, exchange.Runner);
        var fault = exchange.Fault ?? (error == ForwarderError.None ? null : context.Features.Get<IForwarderErrorFeature>()?.Exception);
        var clientLeft = context.RequestAborted.IsCancellationRequested || error == ForwarderError.ResponseBodyClient;
        if (context.Response.HasStarted)
        {
            if (clientLeft)
            {
                _logger.ClientLeft(context.TraceIdentifier);
            }
            else
            {
                _logger.ReplyBroken(context.TraceIdentifier, route.IdText, runner.RunnerId, RunnerFaults.Describe(fault));
            }

            // A reply that breaks off must not look like one that ended.
            context.Abort();
            return new(ForwardStatus.Done);
        }

        exchange.Undo();
        if (exchange.Verdict is { } verdict)
        {
            return verdict;
        }

        var outcome = clientLeft
            ? new(ForwardStatus.ClientGone)
            : Diagnose(exchange, error, fault, handshake);
        switch (outcome.Status)
        {
            case ForwardStatus.ClientGone:
                _logger.ClientLeft(context.TraceIdentifier);
                break;
            case ForwardStatus.NotReached:
                _logger.RunnerNotReached(context.TraceIdentifier, runner.RunnerId, outcome.LastError!);
                break;
            case ForwardStatus.Failed when outcome.Error!.Status >= 500:
                _logger.ExchangeFailed(
                    context.TraceIdentifier, route.IdText, runner.RunnerId, outcome.Error.FullCode, RunnerFaults.Describe(fault));
                break;
        }

        return outcome;
    }

    private ForwardOutcome Diagnose(ForwardExchange exchange, ForwarderError error, Exception? fault, WebSocketHandshake? handshake)
    {
        if (!exchange.HasReply && RunnerFaults.NotReached(fault) is { } reason)
        {
            return new(ForwardStatus.NotReached, LastError: reason);
        }

        if (exchange.Body?.Failure is { } failure)
        {
            return ForwardFaults.OfClientBody(failure, _options.Current.Limits.MaxRequestBodyBytes) is { } bad
                ? Failed(bad)
                : new(ForwardStatus.ClientGone);
        }

        if (exchange.Cancellation.IsCancellationRequested)
        {
            return Failed(GuardErrors.UpstreamError(exchange.HasReply ? "response" : "request", null));
        }

        if (handshake is { IsTimedOut: true })
        {
            return Failed(GuardErrors.RequestTimeout("handshake"));
        }

        if (error == ForwarderError.RequestTimedOut || ForwardFaults.IsTimeout(fault))
        {
            return Failed(GuardErrors.RequestTimeout("activity"));
        }

        // The forwarder stops without an error for one reason only: a handshake it cannot translate to HTTP/2.
        return error == ForwarderError.None && fault is null
            ? Failed(GuardErrors.InvalidHeader("sec-websocket-key", "16 bytes in base64"))
            : Failed(GuardErrors.UpstreamError(exchange.HasReply ? "response" : ForwardFaults.Phase(fault), RunnerFaults.Describe(fault)));
    }

    private static ForwardOutcome Failed(GuardError error) => new(ForwardStatus.Failed, error, error.FullCode);

    /// <summary>How runners are spoken to, by what they registered.</summary>
    private sealed class Protocols(TimeSpan activityTimeout, Version overTls)
    {
        private readonly ForwarderRequestConfig _http1 = Config(activityTimeout, HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
        private readonly ForwarderRequestConfig _h2c = Config(activityTimeout, HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        private readonly ForwarderRequestConfig _https = Config(activityTimeout, overTls, HttpVersionPolicy.RequestVersionOrLower);

        public ForwarderRequestConfig For(RunnerAddress runner)
        {
            var at = HttpLocations.Of(runner);
            return at.Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ? _https
                : at.Protocol == RunnerProtocol.H2c ? _h2c
                : _http1;
        }

        private static ForwarderRequestConfig Config(TimeSpan activityTimeout, Version version, HttpVersionPolicy policy)
            => new() { ActivityTimeout = activityTimeout, Version = version, VersionPolicy = policy };
    }
}
