using Guard.Core.Errors;
using Guard.Core.Request.Targets;
using Guard.Core.Transport;
using Guard.Core.Transport.Http;

namespace Guard.Core.Request.Admission;

/// <summary>
/// Who may come in: limits and origins before anything is read of the target, tokens before anything is looked up, their scopes before
/// anything is made or woken. Free of cost where none of it is configured. Thread-safe.
/// </summary>
internal sealed class RequestAdmission(ClientLimits limits, ClientTokens tokens, CorsPolicy cors, TrustedProxies proxies)
{
    /// <summary>Gives the request its place, or says why it gets none.</summary>
    public GuardError? Enter(GatewayRequest request, bool isWebSocket)
    {
        var context = request.Context;
        if (limits.CheckMemory() is { } overloaded)
        {
            return overloaded;
        }

        if (limits.IsOn(isWebSocket))
        {
            if (limits.TryEnter(proxies.ClientOf(context), isWebSocket, out var place) is { } full)
            {
                return full;
            }

            request.Occupies(place);
        }

        return isWebSocket && cors.RefusesWebSocket(context.Request) ? GuardErrors.Forbidden() : null;
    }

    /// <summary>Checks the token, before any look-up; and its scope, as far as the request itself tells what it wants.</summary>
    public GuardError? Check(GatewayRequest request, scoped in ActorTarget target)
    {
        if (!tokens.AreNeeded)
        {
            return null;
        }

        if (tokens.Check(target.Token, out var scope) is { } refused)
        {
            return refused;
        }

        request.Scope = scope;
        if (target.IsById || scope!.IsAll)
        {
            return null;
        }

        var @namespace = target.Namespace.ToString();
        return target.Create
            ? scope.MayCreate(@namespace, target.Pool.IsEmpty ? null : target.Pool.ToString(), target.Name.ToString(), target.Key.ToString()) ? null : tokens.OutOfScope()
            : scope.MayFind(@namespace) ? null : tokens.OutOfScope();
    }

    /// <summary>Checks the actor that was found against the token's scope. Where one out of scope could have been found, none is found
    /// either: a token tells nothing of what it is not good for.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">What was found; null when nothing was.</param>
    /// <param name="error">Why nothing was found; null when something was, or when the look-up is yet to come.</param>
    public GuardError? CheckScope(GatewayRequest request, ActorRoute? route, GuardError? error)
    {
        if (request.Scope is not { IsAll: false } scope)
        {
            return error;
        }

        if (route is not null)
        {
            return scope.Allows(route.Pool, route.Name, route.Key, route.IdText) ? null : tokens.OutOfScope();
        }

        // A store that is away, or a limit, says nothing of any actor.
        return error is null or { Status: >= 500 } || (request.Query is { } query && scope.CoversKey(query.Namespace, query.Name, query.Key))
            ? error
            : tokens.OutOfScope();
    }
}
