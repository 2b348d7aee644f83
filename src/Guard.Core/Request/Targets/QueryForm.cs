using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Model.Actors;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>Parses <c>/gateway/{name}/…?rvt-…</c>. Allocates nothing on success, except for <c>rvt-input</c>.</summary>
internal static class QueryForm
{
    /// <param name="raw">The request target.</param>
    /// <param name="segment">The raw segment that holds the name.</param>
    /// <param name="pathStart">Where the actor's own part begins.</param>
    /// <param name="scratch">At least <see cref="QueryValues.ScratchLength"/> characters.</param>
    /// <param name="target">Without what headers and subprotocols say.</param>
    /// <param name="skipReadyWait">Null when the query does not say.</param>
    public static GuardError? Parse(
        scoped in RequestTarget raw,
        ReadOnlySpan<char> segment,
        int pathStart,
        Span<char> scratch,
        out ActorTarget target,
        out bool? skipReadyWait)
    {
        target = default;
        skipReadyWait = null;
        if (segment.Contains('@'))
        {
            return GuardErrors.QueryPathTokenSyntax();
        }

        if (segment.IsEmpty)
        {
            return GuardErrors.QueryEmptyActorName();
        }

        var buffer = new DecodeBuffer(scratch);
        if (RvtParams.Read(raw.Query, out var given) is { } badParams)
        {
            return badParams;
        }

        ReadOnlySpan<char> name = default, @namespace = default, pool = default, region = default, token = default, key = default;
        var create = false;
        var crashPolicy = CrashPolicy.Sleep;
        byte[]? input = null;
        var error = QueryValues.ReadName(ref buffer, segment, out name)
            ?? QueryValues.ReadLabel(ref buffer, given.Namespace, given.Has(RvtParams.Names.Namespace), "rvt-namespace", out @namespace)
            ?? QueryValues.ReadMethod(ref buffer, given, out create)
            ?? QueryValues.ReadPool(ref buffer, given, create, out pool)
            ?? QueryValues.ReadRegion(ref buffer, given, out region)
            ?? QueryValues.ReadCrashPolicy(ref buffer, given, out crashPolicy)
            ?? QueryValues.ReadSkipReadyWait(ref buffer, given, out skipReadyWait)
            ?? QueryValues.ReadToken(ref buffer, given, out token)
            ?? QueryValues.ReadKey(ref buffer, given, out key)
            ?? QueryValues.ReadInput(given, out input);
        if (error is not null)
        {
            return error;
        }

        target = new ActorTarget
        {
            Form = RouteForm.Query,
            Namespace = @namespace,
            Name = name,
            Key = key,
            Create = create,
            Pool = create ? pool : [],
            Region = region,
            CrashPolicy = crashPolicy,
            Input = input,
            Token = token,
            Raw = raw.Raw,
            PathStart = pathStart,
            PathEnd = raw.PathEnd,
            Cut = QueryCut.Reserved,
        };
        return null;
    }
}
