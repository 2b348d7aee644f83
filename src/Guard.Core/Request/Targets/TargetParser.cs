using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Transport.Http;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>
/// Finds the actor a request names. The forms are tried in order: path, headers, WebSocket subprotocol, host; the first that applies is
/// used, and the others, where they name an actor too, have to name the same one. Immutable; thread-safe. Allocates nothing on success,
/// except for <c>rvt-input</c>.
/// </summary>
internal sealed class TargetParser
{
    /// <summary>How many characters of scratch memory <see cref="Parse"/> needs; fit for the stack.</summary>
    public const int ScratchLength = QueryValues.ScratchLength;

    /// <summary>Longest token, in characters, decoded.</summary>
    public const int MaxTokenLength = 2048;

    public const string TokenAllowed = "allowed are at most 2048 characters";

    private readonly HostDomain? _domain;

    /// <param name="actorDomain"><c>Gateway:ActorDomain</c>; null or empty switches the host form off.</param>
    public TargetParser(string? actorDomain) => _domain = string.IsNullOrEmpty(actorDomain) ? null : new HostDomain(actorDomain);

    /// <summary>Parses one request.</summary>
    /// <param name="request">What of the request can name an actor.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> characters; <paramref name="target"/> points into it.</param>
    /// <param name="target">The actor; <c>default</c> when there is an error.</param>
    /// <returns>Why the request names no actor; null when it does.</returns>
    public GuardError? Parse(scoped in TargetRequest request, Span<char> scratch, out ActorTarget target)
    {
        target = default;
        if (scratch.Length < ScratchLength)
        {
            throw new ArgumentException("shorter than ScratchLength", nameof(scratch));
        }

        if (RequestTarget.Read(request.RawTarget, out var raw) is { } badTarget)
        {
            return badTarget;
        }

        if (NamedIds.Read(request, _domain, out var named) is { } badSource)
        {
            return badSource;
        }

        bool? skipReadyWait = null;
        var isReserved = RvtParams.AnyIn(raw.Query);
        var error = GatewayPath.TryMatch(raw.Path, out var segment, out var prefixLength) && (isReserved || !segment.IsEmpty)
            ? GatewayPath.CheckNamingPart(segment)
                ?? (isReserved
                    ? ParseQuery(raw, named, segment, prefixLength, scratch, out target, out skipReadyWait)
                    : ParseDirect(request, raw, named, segment, prefixLength, scratch, out target))
            : ParseWholePath(request, raw, named, scratch, out target);
        if (error is null && GuardChannelPath.IsReserved(raw.Raw.AsSpan(target.PathStart, target.PathEnd - target.PathStart)))
        {
            error = NoRoute(request, raw);
        }

        if (error is not null)
        {
            target = default;
            return error;
        }

        target.SkipReadyWait = skipReadyWait ?? named.SkipReadyWait;
        if (target.Token.IsEmpty)
        {
            target.Token = named.Token;
        }

        return null;
    }

    /// <summary>Whether a request's path or host is of a form that names actors, without asking which: what a CORS preflight, which
    /// carries no naming headers, is answered for.</summary>
    public bool IsGatewayForm(scoped in TargetRequest request)
        => RequestTarget.Read(request.RawTarget, out var raw) is null
            && ((GatewayPath.TryMatch(raw.Path, out var segment, out _) && !segment.IsEmpty)
                || IsRequestPath(raw.Path)
                || (_domain is not null && _domain.TryMatch(request.Host, out _)));

    private static GuardError? ParseDirect(
        scoped in TargetRequest request,
        scoped in RequestTarget raw,
        scoped in NamedIds named,
        ReadOnlySpan<char> segment,
        int prefixLength,
        Span<char> scratch,
        out ActorTarget target)
    {
        target = default;
        var at = segment.IndexOf('@');
        var idText = at < 0 ? segment : segment[..at];
        if (at >= 0 && (at == 0 || at == segment.Length - 1))
        {
            return NoRoute(request, raw);
        }

        if (!EncodedActorId.TryRead(idText, out var id))
        {
            return EncodedActorId.Invalid("the path");
        }

        var token = ReadOnlySpan<char>.Empty;
        if (at >= 0)
        {
            var buffer = new DecodeBuffer(scratch);
            switch (buffer.Decode(segment[(at + 1)..], plusIsSpace: false, MaxTokenLength, out token))
            {
                case DecodeResult.Malformed:
                    return GuardErrors.InvalidRequest("The token after '@' is not valid percent-encoded UTF-8.");
                case DecodeResult.TooLong:
                    return GuardErrors.InvalidRequest("The token after '@' is too long; " + TokenAllowed);
            }
        }

        target = new ActorTarget
        {
            Form = RouteForm.Direct,
            Id = id,
            Token = token,
            Raw = raw.Raw,
            PathStart = raw.PathStart + prefixLength,
            PathEnd = raw.PathEnd,
        };
        return named.Disagrees(id) ? GuardErrors.AmbiguousRoute("the path names another actor than " + named.Sources) : null;
    }

    // Which id a key belongs to is not known before a look-up, and a look-up may create: so the query form stands alone.
    private static GuardError? ParseQuery(
        scoped in RequestTarget raw,
        scoped in NamedIds named,
        ReadOnlySpan<char> segment,
        int prefixLength,
        Span<char> scratch,
        out ActorTarget target,
        out bool? skip)
        => QueryForm.Parse(raw, segment, raw.PathStart + prefixLength, scratch, out target, out skip)
            ?? (named.Any
                ? GuardErrors.AmbiguousRoute("the path names an actor by its key and " + named.Sources + " one by its id; use one of them")
                : null);

    private static GuardError? ParseWholePath(
        scoped in TargetRequest request, scoped in RequestTarget raw, scoped in NamedIds named, Span<char> scratch, out ActorTarget target)
    {
        target = default;
        if (raw.Path[0] != '/')
        {
            return NoRoute(request, raw);
        }

        var form = named.HasHeader && IsRequestPath(raw.Path) ? RouteForm.Header
            : named.HasSubprotocol ? RouteForm.WebSocket
            : named.HasHost ? RouteForm.Host
            : RouteForm.None;
        if (form == RouteForm.None)
        {
            return GatewayPath.CheckNamingPart(raw.Path) ?? NoRoute(request, raw);
        }

        if (named.Missing(form) is { } missing)
        {
            return missing;
        }

        if (RvtParams.ReadToken(raw.Query, out var given) is { } badParams)
        {
            return badParams;
        }

        var buffer = new DecodeBuffer(scratch);
        if (QueryValues.ReadToken(ref buffer, given, out var token) is { } badToken)
        {
            return badToken;
        }

        target = new ActorTarget
        {
            Form = form,
            Id = named.Id,
            Token = token,
            Raw = raw.Raw,
            PathStart = raw.PathStart,
            PathEnd = raw.PathEnd,
            Cut = given.Has(RvtParams.Names.Token) ? QueryCut.Token : QueryCut.None,
        };
        return null;
    }

    private static bool IsRequestPath(ReadOnlySpan<char> path) => path is "/request" || path.StartsWith("/request/");

    private static GuardError NoRoute(scoped in TargetRequest request, scoped in RequestTarget raw)
        => GuardErrors.NoRoute(request.Host, raw.Path.ToString());
}
