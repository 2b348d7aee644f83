using Guard.Core.Errors;

namespace Guard.Core.Request.Targets;

/// <summary>The raw values of the <c>rvt-*</c> parameters of a query, each at most once. Names are compared before decoding.</summary>
internal ref struct RvtParams
{
    private const string Prefix = "rvt-";
    private const string TokenName = "rvt-token";
    private const int MaxEchoedName = 64;

    private Names _given;

    [Flags]
    internal enum Names
    {
        None = 0,
        Namespace = 1,
        Method = 2,
        Key = 4,
        Pool = 8,
        Runner = 16,
        Input = 32,
        Region = 64,
        CrashPolicy = 128,
        Token = 256,
        SkipReadyWait = 512,
    }

    public ReadOnlySpan<char> Namespace { get; private set; }

    public ReadOnlySpan<char> Method { get; private set; }

    public ReadOnlySpan<char> Key { get; private set; }

    /// <summary>Of <c>rvt-pool</c> or its alias <c>rvt-runner</c>.</summary>
    public ReadOnlySpan<char> Pool { get; private set; }

    public ReadOnlySpan<char> Input { get; private set; }

    public ReadOnlySpan<char> Region { get; private set; }

    public ReadOnlySpan<char> CrashPolicy { get; private set; }

    public ReadOnlySpan<char> Token { get; private set; }

    public ReadOnlySpan<char> SkipReadyWait { get; private set; }

    /// <summary>Whether any of the given parameters was in the query, also without a value.</summary>
    public readonly bool Has(Names names) => (_given & names) != 0;

    /// <summary>Whether a part of a query is reserved for Guard.</summary>
    public static bool IsReserved(ReadOnlySpan<char> part) => part.StartsWith(Prefix);

    public static bool IsToken(ReadOnlySpan<char> part)
        => part.StartsWith(TokenName) && (part.Length == TokenName.Length || part[TokenName.Length] == '=');

    /// <summary>Whether any part of the query is reserved: what makes <c>/gateway/{x}</c> the query form.</summary>
    public static bool AnyIn(ReadOnlySpan<char> query)
    {
        while (query.IndexOf(Prefix) is >= 0 and var at)
        {
            if (at == 0 || query[at - 1] == '&')
            {
                return true;
            }

            query = query[(at + 1)..];
        }

        return false;
    }

    /// <summary>Reads all reserved parts. Unknown names and names given twice are errors.</summary>
    public static GuardError? Read(ReadOnlySpan<char> query, out RvtParams values)
    {
        values = default;
        foreach (var range in query.Split('&'))
        {
            var part = query[range];
            if (IsReserved(part) && values.Add(part) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    /// <summary>Reads only the token, for the forms in which the other parameters mean nothing.</summary>
    public static GuardError? ReadToken(ReadOnlySpan<char> query, out RvtParams values)
    {
        values = default;
        if (query.IndexOf(TokenName) < 0)
        {
            return null;
        }

        foreach (var range in query.Split('&'))
        {
            var part = query[range];
            if (IsToken(part) && values.Add(part) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private GuardError? Add(ReadOnlySpan<char> part)
    {
        var equals = part.IndexOf('=');
        var name = equals < 0 ? part : part[..equals];
        var value = equals < 0 ? [] : part[(equals + 1)..];
        var given = NameOf(name[Prefix.Length..]);
        if (given == Names.None)
        {
            return GuardErrors.QueryInvalidParams(
                name[..Math.Min(name.Length, MaxEchoedName)].ToString(),
                "unknown; allowed are rvt-namespace, rvt-method, rvt-key, rvt-pool, rvt-runner, rvt-input, rvt-region, rvt-crash-policy, "
                    + "rvt-token and rvt-skip-ready-wait");
        }

        // rvt-runner is another name of rvt-pool: both together give it twice.
        if (Has(given is Names.Pool or Names.Runner ? Names.Pool | Names.Runner : given))
        {
            return GuardErrors.QueryDuplicateParam(name.ToString());
        }

        _given |= given;
        Store(given, value);
        return null;
    }

    private void Store(Names name, ReadOnlySpan<char> value)
    {
        switch (name)
        {
            case Names.Namespace: Namespace = value; break;
            case Names.Method: Method = value; break;
            case Names.Key: Key = value; break;
            case Names.Pool or Names.Runner: Pool = value; break;
            case Names.Input: Input = value; break;
            case Names.Region: Region = value; break;
            case Names.CrashPolicy: CrashPolicy = value; break;
            case Names.Token: Token = value; break;
            default: SkipReadyWait = value; break;
        }
    }

    private static Names NameOf(ReadOnlySpan<char> name) => name switch
    {
        "namespace" => Names.Namespace,
        "method" => Names.Method,
        "key" => Names.Key,
        "pool" => Names.Pool,
        "runner" => Names.Runner,
        "input" => Names.Input,
        "region" => Names.Region,
        "crash-policy" => Names.CrashPolicy,
        "token" => Names.Token,
        "skip-ready-wait" => Names.SkipReadyWait,
        _ => Names.None,
    };
}
