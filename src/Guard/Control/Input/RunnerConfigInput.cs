using Guard.Core.Errors;
using Guard.Core.Transport.Connections;
using Guard.Model.Pools;

namespace Guard.Control.Input;

/// <summary>Reads a runner-config: the body of PUT /runner-configs/{pool}, and the entries of a seed file.</summary>
internal static class RunnerConfigInput
{
    private const int MaxSeconds = 2_592_000; // 30 days
    // As the options of the same names.
    private const int MaxOverrideMs = 3_600_000;
    private const int MaxReadyTimeoutMs = 86_400_000;
    private const int DefaultDrainGracePeriod = 1800;

    /// <summary>The config; after an error something to ignore.</summary>
    /// <param name="body">An object with <c>datacenters</c>; every other member not asked for before is refused.</param>
    /// <param name="datacenter">The name of this datacenter, the only one a config may name.</param>
    /// <param name="endpoints">Checks the URL of a serverless pool.</param>
    public static PoolConfig Read(JsonFields body, string datacenter, EndpointPolicy endpoints)
    {
        var datacenters = body.Object("datacenters");
        body.End();
        foreach (var member in datacenters.Members())
        {
            if (member.Name != datacenter)
            {
                body.Errors.Add(GuardErrors.DatacenterNotFound() with
                {
                    Metadata = new() { Name = datacenters.Path, Detail = $"this datacenter is '{datacenter}'" },
                });
            }
        }

        var config = datacenters.Object(datacenter);
        var normal = config.OptionalObject("normal");
        var serverless = config.OptionalObject("serverless");
        if (normal is null == serverless is null)
        {
            body.Errors.Add(config.Path, "must have exactly one of normal, serverless");
        }

        var kind = serverless ?? normal ?? JsonFields.Missing(body.Errors);
        var pool = serverless is null ? null : ReadServerless(serverless, endpoints);
        var result = ReadDrain(config, kind, pool?.RequestLifespan) with
        {
            Serverless = pool,
            Guard = config.OptionalObject("guard") is { } guard ? ReadOverrides(guard) : null,
        };
        kind.End();
        config.End();
        return result;
    }

    private static ServerlessPoolConfig ReadServerless(JsonFields serverless, EndpointPolicy endpoints)
    {
        var minRunners = serverless.OptionalInteger("min_runners", 0, 100_000) ?? 0;
        var maxRunners = serverless.OptionalInteger("max_runners", 1, 100_000) ?? 1000;
        if (minRunners > maxRunners)
        {
            serverless.Errors.Add(serverless.PathTo("min_runners"), $"must be at most max_runners ({maxRunners})");
        }

        return new ServerlessPoolConfig
        {
            Url = EndpointInput.Read(serverless, "url", endpoints),
            Headers = HeadersInput.Read(serverless, "headers"),
            RequestLifespan = serverless.Integer("request_lifespan", 1, MaxSeconds),
            SlotsPerRunner = serverless.OptionalInteger("slots_per_runner", 1, RunnerInput.MaxSlots) ?? 1,
            MinRunners = minRunners,
            MaxRunners = maxRunners,
            RunnersMargin = serverless.OptionalInteger("runners_margin", 0, 100_000) ?? 0,
            MetadataPollInterval = serverless.OptionalInteger("metadata_poll_interval", 5, 86_400) ?? 10,
        };
    }

    /// <summary>The options of both kinds, which stand in the kind or beside it.</summary>
    private static PoolConfig ReadDrain(JsonFields beside, JsonFields inside, int? requestLifespan)
    {
        var grace = Once(beside, inside, "drain_grace_period", static (fields, name) => fields.OptionalInteger(name, 0, MaxSeconds));
        if (grace >= requestLifespan)
        {
            inside.Errors.Add(
                (inside.Has("drain_grace_period") ? inside : beside).PathTo("drain_grace_period"),
                $"must be less than request_lifespan ({requestLifespan} seconds)");
        }

        return new PoolConfig
        {
            DrainOnVersionUpgrade = Once(beside, inside, "drain_on_version_upgrade", static (fields, name) => fields.OptionalFlag(name)) ?? true,

            // The default must not make a short lifespan an error: then half of it is for draining.
            DrainGracePeriod = grace ?? Math.Min(DefaultDrainGracePeriod, (requestLifespan ?? int.MaxValue) / 2),
            ActorEvictionDelay =
                Once(beside, inside, "actor_eviction_delay", static (fields, name) => fields.OptionalInteger(name, 0, MaxSeconds)) ?? 0,
            ActorEvictionRate =
                Once(beside, inside, "actor_eviction_rate", static (fields, name) => fields.OptionalInteger(name, 1, 1_000_000)) ?? 100,
        };
    }

    private static T? Once<T>(JsonFields beside, JsonFields inside, string name, Func<JsonFields, string, T?> read)
        where T : struct
    {
        var outer = read(beside, name);
        var inner = read(inside, name);
        if (outer is not null && inner is not null)
        {
            inside.Errors.Add(inside.PathTo(name), $"given twice, here and as {beside.PathTo(name)}; allowed once");
        }

        return inner ?? outer;
    }

    private static PoolGuardOverrides ReadOverrides(JsonFields guard)
    {
        var overrides = new PoolGuardOverrides
        {
            CheckDelayMs = guard.OptionalInteger("check_delay_ms", 0, MaxOverrideMs),
            PollIntervalMs = guard.OptionalInteger("poll_interval_ms", 1, MaxOverrideMs),
            CacheTtlMs = guard.OptionalInteger("cache_ttl_ms", 0, MaxOverrideMs),
            ReadyTimeoutMs = guard.OptionalInteger("ready_timeout_ms", 1, MaxReadyTimeoutMs),
            InitTimeoutMs = guard.OptionalInteger("init_timeout_ms", 1, MaxOverrideMs),
        };
        guard.End();
        return overrides;
    }
}
