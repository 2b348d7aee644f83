using Guard.Configuration;
using Guard.Core.Diagnostics;
using Guard.Core.Gateway;
using Guard.Core.Options;
using Guard.Core.Storage;
using Guard.Health;
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
        services.AddSingleton<GatewayRequestChecks>();
        return services;
    }

    /// <summary>The host's own parts: reload, health, shutdown.</summary>
    public static IServiceCollection AddHost(
        this IServiceCollection services, ConfigurationManager configuration, ConfigurationLoader loader, GuardOptions options, GuardListeners listeners, HealthState health)
    {
        services.AddRoutingCore();
        services.AddSingleton(listeners);
        services.AddSingleton(health);
        services.AddSingleton<ShutdownLifetime>();
        services.AddSingleton<IHostLifetime>(sp => sp.GetRequiredService<ShutdownLifetime>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Shutdown.DrainTimeout);
        services.AddHostedService(sp => ActivatorUtilities.CreateInstance<OptionsReloader>(sp, configuration, loader));
        return services;
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
