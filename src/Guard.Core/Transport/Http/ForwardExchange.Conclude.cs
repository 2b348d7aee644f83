using Guard.Core.Errors;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.WebSockets;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Guard.Core.Transport.Http;

/// <content>The end of a try.</content>
internal sealed partial class ForwardExchange
{
    public override ForwardOutcome Conclude(ForwarderError error)
        => IsComplete ? new(ForwardStatus.Done)
            : _handshake is { IsAccepted: true } && Context.Response.HasStarted ? ConcludeWebSocket(error, _handshake.Duplex)
            : Break(error);

    private ForwardOutcome ConcludeWebSocket(ForwarderError error, WebSocketDuplex duplex)
    {
        var outcome = new ForwardOutcome(ForwardStatus.Done);
        if (error is not (ForwarderError.None or ForwarderError.UpgradeRequestClient or ForwarderError.UpgradeResponseClient))
        {
            // The client must not take it for an orderly end.
            outcome = new(Context.RequestAborted.IsCancellationRequested ? ForwardStatus.ClientGone : ForwardStatus.Cut);
            Context.Abort();
        }

        if (duplex.IsRunnerLost)
        {
            _parts.Logger.RunnerLost(Context.TraceIdentifier, Route.IdText, Runner.RunnerId);
        }

        return outcome;
    }

    /// <summary>Finds out how an exchange ended that did not end well.</summary>
    private ForwardOutcome Break(ForwarderError error)
    {
        var fault = Fault ?? (error == ForwarderError.None ? null : Context.Features.Get<IForwarderErrorFeature>()?.Exception);
        var clientLeft = Context.RequestAborted.IsCancellationRequested || error == ForwarderError.ResponseBodyClient;
        if (Context.Response.HasStarted)
        {
            if (clientLeft)
            {
                _parts.Logger.ClientLeft(Context.TraceIdentifier);
            }
            else
            {
                _parts.Logger.ReplyBroken(Context.TraceIdentifier, Route.IdText, Runner.RunnerId, RunnerFaults.Describe(fault));
            }

            // A reply that breaks off must not look like one that ended.
            Context.Abort();
            return new(clientLeft ? ForwardStatus.ClientGone : ForwardStatus.Cut);
        }

        Undo();
        if (Verdict is { } verdict)
        {
            return verdict;
        }

        var outcome = clientLeft ? new(ForwardStatus.ClientGone) : Diagnose(error, fault);
        switch (outcome.Status)
        {
            case ForwardStatus.ClientGone:
                _parts.Logger.ClientLeft(Context.TraceIdentifier);
                break;
            case ForwardStatus.NotReached:
                _parts.Logger.RunnerNotReached(Context.TraceIdentifier, Runner.RunnerId, outcome.LastError!);
                break;
            case ForwardStatus.Failed when outcome.Error!.Status >= 500:
                _parts.Logger.ExchangeFailed(
                    Context.TraceIdentifier, Route.IdText, Runner.RunnerId, outcome.Error.FullCode, RunnerFaults.Describe(fault));
                break;
        }

        return outcome;
    }

    /// <summary>Takes back what this try did to the response, which must not have started: 200, and of headers only the ray id. CORS headers
    /// are for the caller to put on again.</summary>
    private void Undo()
    {
        Context.Response.Clear();
        Context.Response.Headers[HeaderRules.RayId] = Context.TraceIdentifier;
    }

    private ForwardOutcome Diagnose(ForwarderError error, Exception? fault)
    {
        if (!HasReply && RunnerFaults.NotReached(fault) is { } reason)
        {
            return new(ForwardStatus.NotReached, LastError: reason);
        }

        if (Body?.Failure is { } failure)
        {
            return ForwardFaults.OfClientBody(failure, _parts.Options.Current.Limits.MaxRequestBodyBytes) is { } bad
                ? Failed(bad)
                : new(ForwardStatus.ClientGone);
        }

        if (_handshake is { IsTimedOut: true })
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
            : Failed(GuardErrors.UpstreamError(HasReply ? "response" : ForwardFaults.Phase(fault), RunnerFaults.Describe(fault)));
    }

    private static ForwardOutcome Failed(GuardError error) => new(ForwardStatus.Failed, error, error.FullCode);
}
