namespace Guard.Core.Options;

/// <summary>
/// What has to hold between keys, and between a key and the world around it. Thread-safe.
/// </summary>
/// <param name="isEndpointEntry">Whether a text is an entry of <c>Runners:AllowedEndpoints</c>; the policy that applies the entries knows.</param>
/// <param name="fileExists">Whether a path names a file.</param>
/// <param name="isRedisConfiguration">Whether a text is a configuration of the Redis client.</param>
internal sealed class OptionRules(Func<string, bool> isEndpointEntry, Func<string, bool> fileExists, Func<string, bool> isRedisConfiguration)
{
    public IEnumerable<OptionProblem> Check(GuardOptions options)
    {
        OptionProblem?[] problems =
        [
            RedisConfiguration(options),
            FileExists("Seed:File", options.Seed.File, options),
            FileExists("Runners:Tls:Certificate", options.Runners.Tls.Certificate, options),
            FileExists("Runners:Tls:Key", options.Runners.Tls.Key, options),
            FileExists("Runners:Tls:Authorities", options.Runners.Tls.Authorities, options),
            RunnerKeyHasCertificate(options),
            KeyPerCertificate(options),
            AtMost("Readiness:MaxHeldPerPool", "Readiness:MaxHeld", options),
            AtMost("Readiness:MaxHeldPerActor", "Readiness:MaxHeldPerPool", options),
            AtMost("Retry:BaseDelay", "Retry:MaxDelay", options),
            More("Runners:LostAfter", "Runners:EligibleAfter", options),
            SidecarInterval(options),
            AtMost("Actors:RestartBaseDelay", "Actors:RestartMaxDelay", options),
            .. Auth(options),
            options.Limits.ShedRequestsAt == 0 ? null : AtMost("Limits:ShedHoldsAt", "Limits:ShedRequestsAt", options),
        ];
        return problems.OfType<OptionProblem>()
            .Concat(EndpointEntries(options))
            .Concat(FilesExist("Tls:Certificates", options.Tls.Certificates))
            .Concat(FilesExist("Tls:Keys", options.Tls.Keys));
    }

    private static IEnumerable<OptionProblem?> Auth(GuardOptions options)
    {
        var auth = options.Auth;
        if (auth.Mode == AuthMode.Static && auth.Tokens is null or [])
        {
            yield return NotAllowed("Auth:Tokens", options, "at least one entry where Guard:Auth:Mode is Static");
        }

        if (auth.Mode != AuthMode.Jwt)
        {
            yield break;
        }

        yield return auth.Jwt.Issuer is null ? NotAllowed("Auth:Jwt:Issuer", options, "set where Guard:Auth:Mode is Jwt") : null;
        yield return auth.Jwt.Audience is null ? NotAllowed("Auth:Jwt:Audience", options, "set where Guard:Auth:Mode is Jwt") : null;
        yield return auth.Jwt.KeyFile is null == auth.Jwt.JwksUrl is null
            ? NotAllowed("Auth:Jwt:KeyFile", options, "set where Guard:Auth:Mode is Jwt, unless Guard:Auth:Jwt:JwksUrl is, and not both")
            : null;
    }

    private static OptionProblem? SidecarInterval(GuardOptions options)
        => options.Sidecar.Endpoint is not null && options.Sidecar.HealthInterval > options.Runners.EligibleAfter / 3
            ? NotAllowed("Sidecar:HealthInterval", options, $"at most a third of {Named("Runners:EligibleAfter", options)}")
            : null;

    private OptionProblem? RedisConfiguration(GuardOptions options)
        => options.Store.Provider == StoreProvider.Redis && !isRedisConfiguration(options.Store.Redis.Configuration)
            ? NotAllowed("Store:Redis:Configuration", options, "a StackExchange.Redis configuration string with at least one address, such as 127.0.0.1:6379")
            : null;

    private static OptionProblem? AtMost(string name, string limit, GuardOptions options)
        => Compare(name, limit, options) > 0 ? NotAllowed(name, options, $"at most {Named(limit, options)}") : null;

    private static OptionProblem? More(string name, string limit, GuardOptions options)
        => Compare(name, limit, options) <= 0 ? NotAllowed(name, options, $"more than {Named(limit, options)}") : null;

    private static int Compare(string name, string limit, GuardOptions options)
        => Comparer<object>.Default.Compare(OptionKeys.Get(name).Get(options), OptionKeys.Get(limit).Get(options));

    private static string Named(string name, GuardOptions options)
    {
        var key = OptionKeys.Get(name);
        return $"{key.FullName} ({key.Format(options)})";
    }

    private static OptionProblem NotAllowed(string name, GuardOptions options, string allowed)
    {
        var key = OptionKeys.Get(name);
        return OptionProblem.NotAllowed(key.FullName, key.Format(options), key.IsSecret, allowed);
    }

    private static OptionProblem? RunnerKeyHasCertificate(GuardOptions options)
        => options.Runners.Tls is { Key: not null, Certificate: null }
            ? NotAllowed("Runners:Tls:Key", options, $"nothing as long as {OptionKeys.Get("Runners:Tls:Certificate").FullName} is not set")
            : null;

    private static OptionProblem? KeyPerCertificate(GuardOptions options)
        => options.Tls.Keys is { Length: > 0 } keys && keys.Length != (options.Tls.Certificates?.Length ?? 0)
            ? NotAllowed("Tls:Keys", options, $"as many entries as {Named("Tls:Certificates", options)} has, or none")
            : null;

    private OptionProblem? FileExists(string name, string? file, GuardOptions options)
        => file is not null && !fileExists(file) ? NotAllowed(name, options, OptionKeys.Get(name).Allowed) : null;

    private IEnumerable<OptionProblem> FilesExist(string name, string[]? files)
    {
        var key = OptionKeys.Get(name);
        for (var i = 0; i < (files?.Length ?? 0); i++)
        {
            if (!fileExists(files![i]))
            {
                yield return OptionProblem.NotAllowed($"{key.FullName}:{i}", files[i], key.IsSecret, key.Allowed);
            }
        }
    }

    private IEnumerable<OptionProblem> EndpointEntries(GuardOptions options)
    {
        var key = OptionKeys.Get("Runners:AllowedEndpoints");
        var entries = options.Runners.AllowedEndpoints ?? [];
        for (var i = 0; i < entries.Length; i++)
        {
            if (!isEndpointEntry(entries[i]))
            {
                yield return OptionProblem.NotAllowed($"{key.FullName}:{i}", entries[i], key.IsSecret, key.Allowed);
            }
        }
    }
}
