using System.Runtime.CompilerServices;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Request.Gateway;

/// <summary>The way in: framing, limits, the actor's name, tokens, and the look-up of its route. Thread-safe.</summary>
internal sealed class RequestEntry(
    GatewayRequestChecks checks,
    RequestAdmission admission,
    TargetParser parser,
    RouteResolver resolver,
    UnroutedHold unrouted,
    TimeProvider time)
{
    /// <summary>Checks, parses and looks into the cache, without waiting for anything. Allocates nothing but what the request keeps.</summary>
    /// <param name="request">The request; takes over what was parsed.</param>
    /// <exception cref="OperationCanceledException">The client left before its request was looked at.</exception>
    [SkipLocalsInit]
    public Admitted Admit(GatewayRequest request)
    {
        var context = request.Context;

        // Cancelled before it was looked at, as floods of HTTP/2 streams are: nothing is looked up or started for it.
        context.RequestAborted.ThrowIfCancellationRequested();
        if (checks.Check(context) is { } malformed)
        {
            return malformed;
        }

        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var isWebSocket = UpgradeRules.Of(context) == UpgradeKind.WebSocket;
        if (admission.Enter(request, isWebSocket) is { } refused)
        {
            return refused;
        }

        if (CorsPolicy.IsPreflight(context.Request))
        {
            return Admitted.Own;
        }

        Span<char> scratch = stackalloc char[TargetParser.ScratchLength];
        if (isWebSocket)
        {
            request.WatchUpgrade(time);
        }

        var source = TargetRequest.From(rawTarget, context.Request.Headers.Host, context.Request.Headers, isWebSocket);
        if (parser.Parse(source, scratch, out var target) is { } unnamed)
        {
            // An actor that is named by headers or host may have such a path of its own.
            return Metadata.Matches(context.Request, rawTarget) && unnamed.Status == StatusCodes.Status404NotFound ? Admitted.Own : unnamed;
        }

        request.Named(target);
        if (admission.Check(request, target) is { } stranger)
        {
            return stranger;
        }

        var route = resolver.TryResolve(target, request.Arrival, out var missing);
        if (route is null && missing is null)
        {
            request.Unresolved(target);
            return Admitted.Unrouted;
        }

        return admission.CheckScope(request, route, missing) is { } error ? error : route!;
    }

    /// <summary>Looks up what <see cref="Admit"/> found not to be cached, and checks it against the token's scope.</summary>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<Resolution> LookUpAsync(GatewayRequest request)
    {
        var found = await unrouted.ResolveAsync(ct => request.ResolveAsync(resolver, ct), request.Deadline, request.Context.RequestAborted);
        return admission.CheckScope(request, found.Route, found.Error) is { } error ? error : found;
    }
}
