using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Request.Targets;
using Guard.Model.Ids;

namespace Guard.Core.Tests.Request.Targets;

/// <summary>What a parse gave, on the heap.</summary>
internal sealed record ParsedTarget(
    GuardError? Error, RouteForm Form, ActorId Id, ActorQueryTarget? Query, string? Forwarded, string Token, bool SkipReadyWait)
{
    public const string Domain = "actors.example.com";
    public static readonly ActorId A = ActorId.Parse("9ekfqg0n2918ayrwkqimbdvfvncl00");
    public static readonly ActorId B = ActorId.Parse("hkay2d8eub5p74v1pfgpr7isbeal00");
    private static readonly TargetParser Parser = new(Domain);

    /// <summary>The full code of the error; null on success.</summary>
    public string? Code => Error?.FullCode;

    public static ParsedTarget Of(string rawTarget) => Of(new TargetRequest { RawTarget = rawTarget });

    public static ParsedTarget Of(scoped in TargetRequest request)
    {
        var error = Parser.Parse(request, stackalloc char[TargetParser.ScratchLength], out var target);
        return error is not null
            ? new ParsedTarget(error, target.Form, target.Id, null, null, target.Token.ToString(), target.SkipReadyWait)
            : new ParsedTarget(
                null,
                target.Form,
                target.Id,
                target.IsById ? null : target.ToQuery(),
                target.ForwardedTarget(),
                target.Token.ToString(),
                target.SkipReadyWait);
    }
}
