using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Model.Pools;

namespace Guard.Control.Shapes;

/// <summary>The body of PUT /runner-configs/{pool}. For the OpenAPI document: <see cref="Input.RunnerConfigInput"/> reads it.</summary>
internal sealed record RunnerConfigPutShape
{
    public required Dictionary<string, DatacenterConfigPutShape> Datacenters { get; init; }
}

internal sealed record DatacenterConfigPutShape : DrainShape
{
    public NormalShape? Normal { get; init; }

    public ServerlessShape? Serverless { get; init; }

    public GuardOverridesShape? Guard { get; init; }
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
    public bool? DrainOnVersionUpgrade { get; init; }

    /// <summary>Seconds.</summary>
    public int? DrainGracePeriod { get; init; }

    /// <summary>Seconds.</summary>
    public int? ActorEvictionDelay { get; init; }

    /// <summary>Actors per second.</summary>
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
    public required string Url { get; init; }

    /// <summary>In replies every value is <c>***</c>.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Seconds.</summary>
    public required int RequestLifespan { get; init; }

    public int? SlotsPerRunner { get; init; }

    public int? MinRunners { get; init; }

    public int? MaxRunners { get; init; }

    public int? RunnersMargin { get; init; }

    /// <summary>Seconds.</summary>
    public int? MetadataPollInterval { get; init; }

    public static ServerlessShape Of(PoolConfig config, ServerlessPoolConfig serverless) => new()
    {
        Url = serverless.Url,
        Headers = serverless.Headers.ToDictionary(h => h.Key, _ => HeadersInput.Hidden),
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

/// <summary>All in milliseconds.</summary>
internal sealed record GuardOverridesShape
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CheckDelayMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? PollIntervalMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CacheTtlMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ReadyTimeoutMs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? InitTimeoutMs { get; init; }

    public static GuardOverridesShape Of(PoolGuardOverrides overrides) => new()
    {
        CheckDelayMs = overrides.CheckDelayMs,
        PollIntervalMs = overrides.PollIntervalMs,
        CacheTtlMs = overrides.CacheTtlMs,
        ReadyTimeoutMs = overrides.ReadyTimeoutMs,
        InitTimeoutMs = overrides.InitTimeoutMs,
    };
}
