using Guard.Core.Errors;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Text;

namespace Guard.Core.Request.Targets;

/// <summary>Decodes and checks the values of the query form, one method for each. Errors name the parameter and what is allowed.</summary>
internal static class QueryValues
{
    /// <summary>What the decoded values take at most, in characters.</summary>
    public const int ScratchLength = NameRules.MaxActorNameLength + (3 * NameRules.MaxLabelLength) + (3 * MaxWordLength)
        + ActorKey.MaxBytes + TargetParser.MaxTokenLength;

    private const int MaxWordLength = 16;
    private const string MethodAllowed = "allowed are get and getOrCreate";
    private const string CrashPolicyAllowed = "allowed are restart, sleep and destroy";
    private const string RegionAllowed = "allowed is the name of a datacenter, 1 to 63 characters";

    /// <summary>Decodes the value of <c>rvt-token</c>.</summary>
    public static GuardError? ReadToken(scoped ref DecodeBuffer buffer, RvtParams given, out ReadOnlySpan<char> token)
        => Decode(ref buffer, given.Token, TargetParser.MaxTokenLength, "rvt-token", TargetParser.TokenAllowed, out token);

    public static GuardError? ReadName(scoped ref DecodeBuffer buffer, ReadOnlySpan<char> segment, out ReadOnlySpan<char> name)
    {
        switch (buffer.Decode(segment, plusIsSpace: false, NameRules.MaxActorNameLength, out name))
        {
            case DecodeResult.Malformed:
                return GuardErrors.QueryInvalidPercentEncoding("actor name");
            case DecodeResult.Ok when NameRules.IsActorName(name):
                return null;
            default:
                return GuardErrors.QueryInvalidParams("actor name", NameRules.ActorNameAllowed);
        }
    }

    public static GuardError? ReadLabel(
        scoped ref DecodeBuffer buffer, ReadOnlySpan<char> encoded, bool isGiven, string name, out ReadOnlySpan<char> label)
    {
        label = [];
        if (!isGiven)
        {
            return GuardErrors.QueryInvalidParams(name, "missing; " + NameRules.LabelAllowed);
        }

        return Decode(ref buffer, encoded, NameRules.MaxLabelLength, name, NameRules.LabelAllowed, out label)
            ?? (NameRules.IsLabel(label) ? null : GuardErrors.QueryInvalidParams(name, NameRules.LabelAllowed));
    }

    public static GuardError? ReadMethod(scoped ref DecodeBuffer buffer, RvtParams given, out bool create)
    {
        create = false;
        if (!given.Has(RvtParams.Names.Method))
        {
            return GuardErrors.QueryInvalidParams("rvt-method", "missing; " + MethodAllowed);
        }

        if (Decode(ref buffer, given.Method, MaxWordLength, "rvt-method", MethodAllowed, out var method) is { } error)
        {
            return error;
        }

        create = method is "getOrCreate";
        if (create)
        {
            return null;
        }

        return method is not "get" ? GuardErrors.QueryInvalidParams("rvt-method", MethodAllowed)
            : given.Has(RvtParams.Names.Input) ? GuardErrors.QueryGetDisallowedParams("rvt-input")
            : given.Has(RvtParams.Names.Region) ? GuardErrors.QueryGetDisallowedParams("rvt-region")
            : given.Has(RvtParams.Names.CrashPolicy) ? GuardErrors.QueryGetDisallowedParams("rvt-crash-policy")
            : given.Has(RvtParams.Names.Runner) ? GuardErrors.QueryGetDisallowedParams("rvt-runner")
            : null;
    }

    public static GuardError? ReadPool(scoped ref DecodeBuffer buffer, RvtParams given, bool create, out ReadOnlySpan<char> pool)
    {
        pool = [];
        if (!given.Has(RvtParams.Names.Pool | RvtParams.Names.Runner))
        {
            return create ? GuardErrors.QueryMissingPool() : null;
        }

        return ReadLabel(ref buffer, given.Pool, true, given.Has(RvtParams.Names.Pool) ? "rvt-pool" : "rvt-runner", out pool);
    }

    public static GuardError? ReadRegion(scoped ref DecodeBuffer buffer, RvtParams given, out ReadOnlySpan<char> region)
        => Decode(ref buffer, given.Region, NameRules.MaxLabelLength, "rvt-region", RegionAllowed, out region)
            ?? (region.IsEmpty && given.Has(RvtParams.Names.Region) ? GuardErrors.QueryInvalidParams("rvt-region", RegionAllowed) : null);

    public static GuardError? ReadCrashPolicy(scoped ref DecodeBuffer buffer, RvtParams given, out CrashPolicy policy)
    {
        policy = CrashPolicy.Sleep;
        if (!given.Has(RvtParams.Names.CrashPolicy))
        {
            return null;
        }

        var error = Decode(ref buffer, given.CrashPolicy, MaxWordLength, "rvt-crash-policy", CrashPolicyAllowed, out var text);
        policy = text switch
        {
            "restart" => CrashPolicy.Restart,
            "destroy" => CrashPolicy.Destroy,
            _ => CrashPolicy.Sleep,
        };
        return error ?? (policy != CrashPolicy.Sleep || text is "sleep"
            ? null
            : GuardErrors.QueryInvalidParams("rvt-crash-policy", CrashPolicyAllowed));
    }

    public static GuardError? ReadSkipReadyWait(scoped ref DecodeBuffer buffer, RvtParams given, out bool? skip)
    {
        const string Name = "rvt-skip-ready-wait";
        skip = null;
        if (!given.Has(RvtParams.Names.SkipReadyWait))
        {
            return null;
        }

        if (Decode(ref buffer, given.SkipReadyWait, MaxWordLength, Name, NamingHeaders.FlagAllowed, out var text) is { } error)
        {
            return error;
        }

        if (!NamingHeaders.TryParseFlag(text, out var value))
        {
            return GuardErrors.QueryInvalidParams(Name, NamingHeaders.FlagAllowed);
        }

        skip = value;
        return null;
    }

    public static GuardError? ReadKey(scoped ref DecodeBuffer buffer, RvtParams given, out ReadOnlySpan<char> key)
        => ActorKey.SerializeQueryValue(given.Key, buffer.Take(ActorKey.MaxBytes), out key) switch
        {
            DecodeResult.Malformed => GuardErrors.QueryInvalidPercentEncoding("rvt-key"),
            DecodeResult.TooLong => GuardErrors.QueryInvalidParams("rvt-key", "allowed are at most 1024 bytes of UTF-8, serialised"),
            _ => null,
        };

    public static GuardError? ReadInput(RvtParams given, out byte[]? input)
    {
        input = null;
        return given.Has(RvtParams.Names.Input) ? CborInput.Read(given.Input, out input) : null;
    }

    private static GuardError? Decode(
        scoped ref DecodeBuffer buffer,
        ReadOnlySpan<char> encoded,
        int maxLength,
        string name,
        string allowed,
        out ReadOnlySpan<char> value)
        => buffer.Decode(encoded, plusIsSpace: true, maxLength, out value) switch
        {
            DecodeResult.Malformed => GuardErrors.QueryInvalidPercentEncoding(name),
            DecodeResult.TooLong => GuardErrors.QueryInvalidParams(name, allowed),
            _ => null,
        };
}
