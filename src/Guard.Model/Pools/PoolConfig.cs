namespace Guard.Model.Pools;

/// <summary>A pool's runner-config in this datacenter. Immutable; durations in the units of the control API.</summary>
internal sealed record PoolConfig
{
    /// <summary>Set for serverless pools, null for normal ones.</summary>
    public ServerlessPoolConfig? Serverless { get; init; }

    /// <summary>Whether runners of an older version drain when a newer one registers.</summary>
    public bool DrainOnVersionUpgrade { get; init; } = true;

    /// <summary>Seconds a draining runner's actors get to stop.</summary>
    public int DrainGracePeriod { get; init; } = 1800;

    /// <summary>Seconds between the start of a drain and the first actor told to stop.</summary>
    public int ActorEvictionDelay { get; init; }

    /// <summary>Actors told to stop per second of a drain.</summary>
    public int ActorEvictionRate { get; init; } = 100;

    /// <summary>The pool's own values in place of <c>Guard:FailFast</c> and <c>Guard:Readiness</c>; null where it has none.</summary>
    public PoolGuardOverrides? Guard { get; init; }
}

/// <summary>Overrides of a pool, each in milliseconds; null = the option of the same name.</summary>
internal sealed record PoolGuardOverrides
{
    public int? CheckDelayMs { get; init; }

    public int? PollIntervalMs { get; init; }

    public int? CacheTtlMs { get; init; }

    public int? ReadyTimeoutMs { get; init; }

    public int? InitTimeoutMs { get; init; }
}

/// <summary>Where and how capacity of a serverless pool is opened.</summary>
internal sealed record ServerlessPoolConfig
{
    public required string Url { get; init; }

    /// <summary>Sent with every call to <see cref="Url"/>. Values are secrets: never logged, never shown.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Seconds one connection may live.</summary>
    public required int RequestLifespan { get; init; }

    public int SlotsPerRunner { get; init; } = 1;

    public int MinRunners { get; init; }

    public int MaxRunners { get; init; } = 1000;

    public int RunnersMargin { get; init; }

    /// <summary>Seconds between reads of <c>{url}/metadata</c>.</summary>
    public int MetadataPollInterval { get; init; } = 10;
}
