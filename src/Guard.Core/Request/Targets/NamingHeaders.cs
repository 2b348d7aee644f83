using Guard.Core.Errors;
using Microsoft.Extensions.Primitives;

namespace Guard.Core.Request.Targets;

/// <summary>The <c>x-rivet-*</c> headers that name an actor. Each may be given once.</summary>
internal readonly ref struct NamingHeaders
{
    /// <summary>For error details.</summary>
    public const string FlagAllowed = "allowed are true, false, 1 and 0";

    /// <summary><c>x-rivet-target</c> is <c>actor</c>; without it <c>x-rivet-actor</c> means nothing.</summary>
    public bool NamesActor { get; private init; }

    /// <summary>The raw id; empty when missing.</summary>
    public ReadOnlySpan<char> Actor { get; private init; }

    public ReadOnlySpan<char> Token { get; private init; }

    public bool SkipReadyWait { get; private init; }

    public static GuardError? Read(scoped in TargetRequest request, out NamingHeaders headers)
    {
        headers = default;
        var error = Repeated(request.Target, TargetRequest.TargetHeader)
            ?? Repeated(request.Actor, TargetRequest.ActorHeader)
            ?? Repeated(request.Token, TargetRequest.TokenHeader)
            ?? Repeated(request.SkipReadyWait, TargetRequest.SkipReadyWaitHeader);
        if (error is not null)
        {
            return error;
        }

        var skip = false;
        if (request.SkipReadyWait.Count > 0 && !TryParseFlag(Single(request.SkipReadyWait), out skip))
        {
            return GuardErrors.InvalidHeader(TargetRequest.SkipReadyWaitHeader, FlagAllowed);
        }

        var token = Single(request.Token);
        if (token.Length > TargetParser.MaxTokenLength)
        {
            return GuardErrors.InvalidHeader(TargetRequest.TokenHeader, TargetParser.TokenAllowed);
        }

        headers = new NamingHeaders
        {
            NamesActor = Single(request.Target) is "actor",
            Actor = Single(request.Actor),
            Token = token,
            SkipReadyWait = skip,
        };
        return null;
    }

    /// <summary>Reads <c>true</c>, <c>1</c>, <c>false</c> or <c>0</c>.</summary>
    public static bool TryParseFlag(ReadOnlySpan<char> text, out bool value)
    {
        value = text is "true" or "1";
        return value || text is "false" or "0";
    }

    private static ReadOnlySpan<char> Single(StringValues values) => values.Count == 0 ? [] : values[0];

    private static GuardError? Repeated(StringValues values, string name)
        => values.Count > 1 ? GuardErrors.InvalidHeader(name, "given more than once; allowed is once") : null;
}
