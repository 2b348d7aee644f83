using Guard.Configuration;
using Guard.Control;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Gateway;
using Guard.Core.Request.Readiness;
using Guard.Core.Request.Routing;
using Guard.Core.Request.Targets;
using Guard.Core.State.Actors;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Core.State.Serverless;
using Guard.Core.State.Upkeep;
using Guard.Core.Transport;
using Guard.Core.Transport.Connections;
using Guard.Core.Transport.Http;
using Guard.Core.Transport.Implicit;
using Guard.Core.Transport.WebSockets;
using Guard.Health;
using Guard.Model.Stores;
using Guard.Serverless;
using Guard.Sidecar;
using Guard.Storage.Memory;
using Guard.Storage.Redis;
using Guard.Tls;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Guard.Hosting;

/// <summary>What is in the container. Everything is a singleton: requests carry their own state.</summary>
internal static class CoreServices
{
    /// <summary>The parts of Guard.Core.</summary>
    /// <param name="services">A <see cref="TimeProvider"/> that is there already is kept.</param>
    /// <param name="options">Valid; the first that are in force.</param>
    public static IServiceCollection AddGuardCore(this IServiceCollection services, GuardOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(new LiveOptions(options));
        services.AddSingleton(sp => new GuardMetrics(sp.GetRequiredService<LiveOptions>()));
        services.AddSingleton(new RayId((ushort)options.Datacenter.Label));
        services.AddSingleton(GuardIdentity.New());
        services.AddSingleton<StoreContact>();
        _ = options.Store.Provider == StoreProvider.Redis ? services.AddRedisStore(options.Store.Redis, options.FailFast.Push) : services.AddMemoryStore();
        return services.AddStateFlow().AddRequestFlow(options);
    }

    /// <summary>Lets the request flow hear of changes, in the order it needs: the route is published before waiters are released.</summary>
    public static void SubscribeToChanges(IServiceProvider services)
    {
        var feed = services.GetRequiredService<IChangeFeed>();
        feed.Subscribe(services.GetRequiredService<RouteCache>());
        feed.Subscribe(services.GetRequiredService<PoolSettingsSource>());
        feed.Subscribe(services.GetRequiredService<PoolHealthTracker>());
        feed.Subscribe(services.GetRequiredService<ConnectOutlook>());
        feed.Subscribe(services.GetRequiredService<ActorStarter>());
        feed.Subscribe(services.GetRequiredService<PoolAttention>());
        feed.Subscribe(services.GetRequiredService<GiveBackStarts>());
    }

    /// <summary>The host's own parts: reload, health, shutdown.</summary>
    public static IServiceCollection AddHost(
        this IServiceCollection services, ConfigurationManager configuration, ConfigurationLoader loader, GuardOptions options, GuardListeners listeners, HealthState health)
    {
        services.AddRoutingCore();
        services.AddControlApi();
        services.AddSingleton<StopActor>(static sp =>
        {
            var runners = sp.GetRequiredService<RunnerTransports>();
            return (runner, id, generation, reason, _) => runners.StopAsync(runner, id, generation, reason);
        });
        services.AddSingleton(listeners);
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton(health);
        services.AddHostedService<ServerlessHandOver>();
        services.AddSingleton(s => new LastReply(s.GetRequiredService<HealthState>().Draining));
        services.AddSingleton<GatewayConnections>();
        services.AddSingleton<IDrainedAtShutdown>(static sp => sp.GetRequiredService<GatewayConnections>());
        services.AddSingleton<IDrainedAtShutdown, WebSocketDrain>();
        services.AddSidecar(options);
        services.AddSingleton<ShutdownLifetime>();
        services.AddSingleton<IHostLifetime>(sp => sp.GetRequiredService<ShutdownLifetime>());
        services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = options.Shutdown.DrainTimeout;

            // Every loop is guarded by itself; one that is not may end alone, never all else with it.
            host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        services.AddHostedService(sp => ActivatorUtilities.CreateInstance<OptionsReloader>(sp, configuration, loader));
        return services;
    }

    /// <summary>The certificates, and what watches their files.</summary>
    public static void AddTls(this IServiceCollection services, TlsFiles files)
    {
        services.AddSingleton(files);
        services.AddSingleton(files.Runners);
        services.AddHostedService<CertificateReloader>();
    }

    private static IServiceCollection AddMemoryStore(this IServiceCollection services)
    {
        services.AddSingleton<MemoryChangeFeed>();
        services.AddSingleton<IChangeFeed>(sp => sp.GetRequiredService<MemoryChangeFeed>());
        services.AddSingleton(sp => new MemoryPoolHealthStore(
            sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<LiveOptions>().StoreRules, sp.GetRequiredService<MemoryChangeFeed>().PublishPoolHealth));
        services.AddSingleton(sp => new MemoryStore(
            sp.GetRequiredService<MemoryChangeFeed>(),
            sp.GetRequiredService<MemoryPoolHealthStore>().CountSuccess,
            sp.GetRequiredService<LiveOptions>().StoreRules,
            sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IPoolHealthStore>(sp => sp.GetRequiredService<MemoryPoolHealthStore>());
        services.AddSingleton<IActorStore>(sp => sp.GetRequiredService<MemoryStore>());
        services.AddSingleton<IActorImportStore>(sp => sp.GetRequiredService<MemoryStore>());
        services.AddSingleton<IRunnerStore>(sp => sp.GetRequiredService<MemoryStore>());
        services.AddSingleton<IPoolStore>(sp => sp.GetRequiredService<MemoryStore>());
        services.AddSingleton<IPoolUpkeepStore>(sp => sp.GetRequiredService<MemoryStore>());
        services.AddSingleton<IGuardLiveness, MemoryGuardLiveness>();
        return services;
    }

    private static IServiceCollection AddRedisStore(this IServiceCollection services, RedisStoreOptions options, bool push)
    {
        var settings = RedisSettings.TryParse(options.Configuration, out var parsed) ? parsed : throw new ArgumentException("not a Redis configuration", nameof(options));
        services.AddSingleton(sp => new RedisConnection(
            settings,
            new RedisKeys(options.KeyPrefix, options.Format),
            options.CallTimeout,
            sp.GetRequiredService<StoreContact>(),
            sp.GetRequiredService<GuardMetrics>().StoreOp,
            sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<ILogger<RedisConnection>>()));
        services.AddSingleton<Func<StoreRules>>(sp => sp.GetRequiredService<LiveOptions>().StoreRules);
        services.AddSingleton<RedisPools>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<RedisChangeFeed>(sp, push));
        services.AddSingleton<IChangeFeed>(sp => sp.GetRequiredService<RedisChangeFeed>());
        services.AddSingleton<IPoolHealthStore, RedisPoolHealthStore>();
        services.AddSingleton<RedisActorStore>();
        services.AddSingleton<IActorStore>(sp => sp.GetRequiredService<RedisActorStore>());
        services.AddSingleton<IActorImportStore>(sp => sp.GetRequiredService<RedisActorStore>());
        services.AddSingleton<RedisRunnerStore>();
        services.AddSingleton<IRunnerStore>(sp => sp.GetRequiredService<RedisRunnerStore>());
        services.AddSingleton<IPoolUpkeepStore>(sp => sp.GetRequiredService<RedisRunnerStore>());
        services.AddSingleton<IPoolStore, RedisPoolStore>();
        services.AddSingleton<IGuardLiveness, RedisGuardLiveness>();
        services.AddHostedService(static sp =>
        {
            var feed = sp.GetRequiredService<RedisChangeFeed>();
            var loop = new GuardedLoop(
                "change_feed", sp.GetRequiredService<GuardMetrics>(), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<RedisChangeFeed>>());
            return new GuardedService(loop, TimeSpan.Zero, async stopping => await feed.ListenAsync(stopping));
        });
        return services;
    }

    private static IServiceCollection AddStateFlow(this IServiceCollection services)
    {
        services.AddSingleton<EndpointPolicy>();
        services.AddSingleton<RunnerConnections>();
        services.AddSingleton<RunnerConnector>();
        services.AddSingleton<RunnerInvoker>();
        services.AddServerlessCalls();
        services.AddSingleton<HttpMessageInvoker>(sp => sp.GetRequiredService<RunnerInvoker>());
        services.AddSingleton<RunnerClient>();
        services.AddSingleton<SuspectRunners>();
        services.AddSingleton<RunnerInbox>();
        services.AddSingleton(Random.Shared);
        services.AddSingleton<StarterLiveness>();
        services.AddSingleton<WakeServices>();
        services.AddSingleton<ActorStarter>();
        services.AddSingleton<PoolAttention>();
        services.AddSingleton<ServerlessStreams>();
        services.AddSingleton<MetadataPoller>();
        services.AddSingleton<ConnectOutlook>();
        services.AddSingleton<ConnectReports>();
        services.AddSingleton<ServerlessConnects>();
        services.AddUpkeep();
        services.AddSingleton<PoolSettingsSource>();
        services.AddSingleton<PoolHealthTracker>();
        services.AddSingleton<PoolHealthWatchers>();

        // First to start, so that this Guard is known before it starts anything; last to stop, after requests have drained.
        services.AddHostedService(static sp => sp.GetRequiredService<StarterLiveness>());
        services.AddHostedService(static sp => sp.GetRequiredService<PoolKeepers>());
        services.AddHostedService(static sp => sp.GetRequiredService<GiveBackStarts>());

        // Stops before what evicts actors does: its streams drain first.
        services.AddHostedService(static sp => sp.GetRequiredService<ServerlessStreams>());
        return services;
    }

    /// <summary>The keepers of pools; their jobs in the order they are done.</summary>
    private static void AddUpkeep(this IServiceCollection services)
    {
        services.AddSingleton<PoolKeepers>();
        services.AddSingleton<IPoolJob, LoseRunners>();
        services.AddSingleton<IPoolJob, DrainVersions>();
        services.AddSingleton<IPoolJob, RestartActors>();
        services.AddSingleton<IPoolJob, ScaleServerless>();
        services.AddSingleton<IPoolJob, EvictActors>();
        services.AddSingleton<GiveBackStarts>();
        services.AddSingleton<IPoolJob>(static sp => sp.GetRequiredService<GiveBackStarts>());
        services.AddSingleton<IPoolJob, PurgeTombstones>();
    }

    /// <summary>What talks to one serverless endpoint, used by its delegates; on top of <c>RunnerConnector</c>.</summary>
    public static IServiceCollection AddServerlessCalls(this IServiceCollection services)
    {
        services.AddSingleton<ServerlessInvoker>();
        services.AddSingleton<InitReader>();
        services.AddSingleton<ServerlessConnector>();
        services.AddSingleton<ServerlessConnect>(static sp => sp.GetRequiredService<ServerlessConnector>().ConnectAsync);
        services.AddSingleton<MetadataClient>();
        services.AddSingleton<ServerlessMetadata>(static sp => sp.GetRequiredService<MetadataClient>().ReadAsync);
        return services;
    }

    private static IServiceCollection AddRequestFlow(this IServiceCollection services, GuardOptions options)
    {
        services.AddSingleton(new TargetParser(options.Gateway.ActorDomain));
        services.AddSingleton<RouteCache>();
        services.AddSingleton<RouteResolver>();
        services.AddSingleton<Func<MemoryUse>>(MemoryUse.Now);
        services.AddSingleton<MemoryPressure>();
        services.AddHostedService(static sp => sp.GetRequiredService<MemoryPressure>());
        services.AddSingleton<ClientLimits>();
        services.AddSingleton<WakeBudget>();
        services.AddSingleton<JwtKeys>();
        services.AddHostedService(static sp => sp.GetRequiredService<JwtKeys>());
        services.AddSingleton<JwtTokens>();
        services.AddSingleton<ClientTokens>();
        services.AddSingleton<RequestAdmission>();
        services.AddSingleton<HoldLimiter>();
        services.AddSingleton<UnroutedHold>();
        services.AddSingleton<ProbeGate>();
        services.AddSingleton<WaitServices>();
        services.AddSingleton<ActorWaits>();
        services.AddSingleton<ReadinessGate>();
        services.AddSingleton<DisownedActors>();
        services.AddHttpForwarder();
        services.AddSingleton<TrustedProxies>();
        services.AddSingleton<ForwardingInvoker>();
        services.AddSingleton<OpenWebSockets>();
        services.AddSingleton<ActorForwarder>();
        services.AddSingleton<HttpTransport>();
        services.AddSingleton(static sp => ImplicitTransport.TableOver(sp.GetRequiredService<HttpTransport>()));
        services.AddSingleton<CorsPolicy>();
        services.AddSingleton<GatewayRequestChecks>();
        services.AddSingleton<ReplayLoop>();
        services.AddSingleton<ActorDelivery>();
        services.AddSingleton<RequestEntry>();
        services.AddSingleton<GatewayReplies>();
        services.AddSingleton<GatewayHandler>();
        return services;
    }

    /// <summary>What looks after the application beside this Guard, where one is configured. Stops before what evicts actors does.</summary>
    private static void AddSidecar(this IServiceCollection services, GuardOptions options)
    {
        if (options.Sidecar.Endpoint is not null)
        {
            services.AddSingleton<SidecarApp>();
            services.AddSingleton<SidecarRunner>();
            services.AddSingleton<SidecarEndpoints>();
            services.AddSingleton<IDrainedAtShutdown>(static sp => sp.GetRequiredService<SidecarRunner>());
            services.AddHostedService(static sp => sp.GetRequiredService<SidecarRunner>());
        }
    }

    /// <summary>What watches the store, where there is one. Without a store a Guard runs, but is never ready.</summary>
    public static void AddStoreHealth(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(IPoolStore)))
        {
            services.AddSingleton<RunnerGauges>();
            services.AddHostedService<StoreProbe>();
        }
    }
}
