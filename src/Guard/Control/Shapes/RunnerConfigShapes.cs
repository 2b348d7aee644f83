using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Core.Transport.Connections;
using Guard.Model.Pools;

namespace Guard.Control.Shapes;

/// <summary>The body of PUT /runner-configs/{pool}.</summary>
internal record RunnerConfigPutShape
{
    public required Dictionary<string, DatacenterConfigPutShape> Datacenters { get; init; }

    /// <summary>The config; null after some errors.</summary>
    /// <param name="datacenter">The name of this datacenter, the only one a config may name.</param>
    /// <param name="endpoints">Checks the URL of a serverless pool.</param>
    /// <param name="errors">Where what is wrong goes.</param>
    public PoolConfig? ToConfig(string datacenter, EndpointPolicy endpoints, InputErrors errors)
    {
        if (Datacenters.Keys.Any(name => name != datacenter))
        {
            errors.AddOtherDatacenter("datacenters", $"this datacenter is '{datacenter}'");
        }

        var inside = errors.At("datacenters");
        if (Datacenters.TryGetValue(datacenter, out var config))
        {
            return config.ToConfig(endpoints, inside.At(datacenter));
        }

        inside.Add(datacenter, "missing; must be an object");
        return null;
    }
}

internal sealed record DatacenterConfigPutShape : DrainShape
{
    private const int DefaultDrainGracePeriod = 1800;

    public NormalShape? Normal { get; init; }

    public ServerlessShape? Serverless { get; init; }

    public GuardOverridesShape? Guard { get; init; }

    public PoolConfig? ToConfig(EndpointPolicy endpoints, InputErrors errors)
    {
        if (Normal is null == Serverless is null)
        {
            errors.Add("", "must have exactly one of normal, serverless");
            return null;
        }

        // The options of both kinds stand in the kind or beside it.
        DrainShape kind = Normal is null ? Serverless! : Normal;
        var inside = errors.At(Normal is null ? "serverless" : "normal");
        var lifespan = Serverless?.RequestLifespan;
        var grace = Once("drain_grace_period", kind.DrainGracePeriod, DrainGracePeriod);
        if (grace >= lifespan)
        {
            (kind.DrainGracePeriod is null ? errors : inside).Add("drain_grace_period", $"must be less than request_lifespan ({lifespan} seconds)");
        }

        return new PoolConfig
        {
            Serverless = Serverless?.ToPool(endpoints, inside),
            DrainOnVersionUpgrade = Once("drain_on_version_upgrade", kind.DrainOnVersionUpgrade, DrainOnVersionUpgrade) ?? true,

            // The default must not make a short lifespan an error: then half of it is for draining.
            DrainGracePeriod = grace ?? Math.Min(DefaultDrainGracePeriod, (lifespan ?? int.MaxValue) / 2),
            ActorEvictionDelay = Once("actor_eviction_delay", kind.ActorEvictionDelay, ActorEvictionDelay) ?? 0,
            ActorEvictionRate = Once("actor_eviction_rate", kind.ActorEvictionRate, ActorEvictionRate) ?? 100,
            Guard = Guard?.ToOverrides(),
        };

        T? Once<T>(string name, T? inner, T? outer)
            where T : struct
        {
            if (inner is not null && outer is not null)
            {
                inside.Add(name, $"given twice, here and as {errors.PathTo(name)}; allowed once");
            }

            return inner ?? outer;
        }
    }
}

/// <param name="EndpointConfigChanged">Whether kind, URL or headers are new or other than before.</param>
internal sealed record RunnerConfigPutReply(bool EndpointConfigChanged);

internal sealed record RunnerConfigList(Dictionary<string, RunnerConfigShape> RunnerConfigs, PaginationShape Pagination);

internal sealed record RunnerConfigShape(Dictionary<string, DatacenterConfigShape> Datacenters)
{
    public static RunnerConfigShape Of(string datacenter, PoolConfig config, PoolError? error) => new(new Dictionary<string, DatacenterConfigShape>
    {
        [datacenter] = new()
        {
            Normal = config.Serverless is null ? NormalShape.Of(config) : null,
            Serverless = config.Serverless is { } serverless ? ServerlessShape.Of(config, serverless) : null,
            Guard = config.Guard is { } guard ? GuardOverridesShape.Of(guard) : null,
            RunnerPoolError = error,
        },
    });
}

internal sealed record DatacenterConfigShape
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NormalShape? Normal { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServerlessShape? Serverless { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GuardOverridesShape? Guard { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PoolError? RunnerPoolError { get; init; }
}

internal abstract record DrainShape
{
    /// <summary>30 days.</summary>
    protected const int MaxSeconds = 2_592_000;

    public bool? DrainOnVersionUpgrade { get; init; }

    /// <summary>Seconds.</summary>
    [Whole(0, MaxSeconds)]
    public int? DrainGracePeriod { get; init; }

    /// <summary>Seconds.</summary>
    [Whole(0, MaxSeconds)]
    public int? ActorEvictionDelay { get; init; }

    /// <summary>Actors per second.</summary>
    [Whole(1, 1_000_000)]
    public int? ActorEvictionRate { get; init; }
}

internal sealed record NormalShape : DrainShape
{
    public static NormalShape Of(PoolConfig config) => new()
    {
        DrainOnVersionUpgrade = config.DrainOnVersionUpgrade,
        DrainGracePeriod = config.DrainGracePeriod,
        ActorEvictionDelay = config.ActorEvictionDelay,
        ActorEvictionRate = config.ActorEvictionRate,
    };
}

internal sealed record ServerlessShape : DrainShape
{
    private const int MostRunners = 100_000;

    [Url]
    public required string Url { get; init; }

    /// <summary>In replies every value is <c>***</c>.</summary>
    [Headers]
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Seconds.</summary>
    [Whole(1, MaxSeconds)]
    public required int RequestLifespan { get; init; }

    [Whole(1, RunnerRegisterShape.MaxSlots)]
    public int? SlotsPerRunner { get; init; }

    [Whole(0, MostRunners)]
    public int? MinRunners { get; init; }

    [Whole(1, MostRunners)]
    public int? MaxRunners { get; init; }

    [Whole(0, MostRunners)]
    public int? RunnersMargin { get; init; }

    /// <summary>Seconds.</summary>
    [Whole(5, 86_400)]
    public int? MetadataPollInterval { get; init; }

    /// <summary>The pool, unless its URL may not be called or its limits contradict each other.</summary>
    public ServerlessPoolConfig ToPool(EndpointPolicy endpoints, InputErrors errors)
    {
        if (endpoints.CheckUrl(Url, out var url) is { } wrong)
        {
            errors.Add("url", wrong);
        }

        var maxRunners = MaxRunners ?? 1000;
        if (MinRunners > maxRunners)
        {
            errors.Add("min_runners", $"must be at most max_runners ({maxRunners})");
        }

        return new ServerlessPoolConfig
        {
            Url = url,
            Headers = new Dictionary<string, string>(Headers ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase),
            RequestLifespan = RequestLifespan,
            SlotsPerRunner = SlotsPerRunner ?? 1,
            MinRunners = MinRunners ?? 0,
            MaxRunners = maxRunners,
            RunnersMargin = RunnersMargin ?? 0,
            MetadataPollInterval = MetadataPollInterval ?? 10,
        };
    }

    public static ServerlessShape Of(PoolConfig config, ServerlessPoolConfig serverless) => new()
    {
        Url = serverless.Url,
        Headers = serverless.Headers.ToDictionary(h => h.Key, _ => HeadersAttribute.Hidden),
        RequestLifespan = serverless.RequestLifespan,
        SlotsPerRunner = serverless.SlotsPerRunner,
        MinRunners = serverless.MinRunners,
        MaxRunners = serverless.MaxRunners,
        RunnersMargin = serverless.RunnersMargin,
        MetadataPollInterval = serverless.MetadataPollInterval,
        DrainOnVersionUpgrade = config.DrainOnVersionUpgrade,
        DrainGracePeriod = config.DrainGracePeriod,
        ActorEvictionDelay = config.ActorEvictionDelay,
        ActorEvictionRate = config.ActorEvictionRate,
    };
}

/// <summary>All in milliseconds, with the limits of the options of the same names.</summary>
internal sealed record GuardOverridesShape
{
    private const int MaxMs = 3_600_000;

    [Whole(0, MaxMs)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CheckDelayMs { get; init; }

    [Whole(1, MaxMs)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? PollIntervalMs { get; init; }

    [Whole(0, MaxMs)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CacheTtlMs { get; init; }

    [Whole(1, 86_400_000)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ReadyTimeoutMs { get; init; }

    [Whole(1, MaxMs)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? InitTimeoutMs { get; init; }

    public PoolGuardOverrides ToOverrides() => new()
    {
        CheckDelayMs = CheckDelayMs,
        PollIntervalMs = PollIntervalMs,
        CacheTtlMs = CacheTtlMs,
        ReadyTimeoutMs = ReadyTimeoutMs,
        InitTimeoutMs = InitTimeoutMs,
    };

    public static GuardOverridesShape Of(PoolGuardOverrides overrides) => new()
    {
        CheckDelayMs = overrides.CheckDelayMs,
        PollIntervalMs = overrides.PollIntervalMs,
        CacheTtlMs = overrides.CacheTtlMs,
        ReadyTimeoutMs = overrides.ReadyTimeoutMs,
        InitTimeoutMs = overrides.InitTimeoutMs,
    };
}
