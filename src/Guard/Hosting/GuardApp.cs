using Guard.Configuration;
using Guard.Control;
using Guard.Core.Diagnostics;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Gateway;
using Guard.Core.Transport.Connections;
using Guard.Health;
using Guard.Seed;
using Guard.Storage.Redis;
using Guard.Tls;

namespace Guard.Hosting;

/// <summary>
/// A whole Guard in this process: configuration, listeners, pipeline, services. The binary runs one; tests start several, on port 0.
/// </summary>
internal sealed partial class GuardApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GuardApp(WebApplication app)
    {
        _app = app;
    }

    public IServiceProvider Services => _app.Services;

    /// <summary>Where it listens; complete after the start.</summary>
    public GuardListeners Listeners => _app.Services.GetRequiredService<GuardListeners>();

    /// <summary>Reads and checks the configuration and puts everything together; listens to nothing yet. Throws
    /// <see cref="ConfigurationException"/>, with one line for the operator.</summary>
    /// <param name="args">The command line: configuration keys.</param>
    /// <param name="parts">Null for a Guard without parts of other rooms.</param>
    public static GuardApp Build(string[] args, GuardAppParts? parts = null)
    {
        parts ??= new GuardAppParts();
        var builder = ConfigurationLayers.CreateBuilder(args);
        parts.Configure?.Invoke(builder);
        GuardEndpoints.AddDefaults(builder.Configuration);
        var loader = new ConfigurationLoader(new OptionsReader(new OptionRules(
            static entry => EndpointPolicy.TryParseEntry(entry, out _), File.Exists, static text => RedisSettings.TryParse(text, out _))));
        var result = loader.Load(builder.Configuration);
        if (!result.IsValid)
        {
            throw new ConfigurationException(result.Problems);
        }

        var tls = TlsFiles.Load(result.Options);
        var listeners = new GuardListeners();
        KestrelSetup.AddTo(builder, result.Options, listeners, tls.Server);
        var health = new HealthState();
        AddLogging(builder, health);
        builder.Services.AddGuardCore(result.Options).AddHost(builder.Configuration, loader, result.Options, listeners, health);
        builder.Services.AddTls(tls);
        parts.Services?.Invoke(builder.Services);
        builder.Services.AddStoreHealth();

        var app = builder.Build();
        CoreServices.SubscribeToChanges(app.Services);
        UsePipeline(app, parts);
        return new GuardApp(app);
    }

    /// <summary>Starts to listen. Throws what <see cref="StartupFailure"/> describes when it cannot.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (Services.GetService<RedisConnection>() is { } redis && await redis.RefusalAsync(cancellationToken) is { } refusal)
        {
            throw new StartupException(refusal);
        }

        // The seed is read before anything listens, and may not point at what is about to.
        Services.GetRequiredService<EndpointPolicy>().SetOwnListeners(GuardEndpoints.AddressesOf(_app.Configuration));
        try
        {
            if (Services.GetRequiredService<LiveOptions>().Current.Seed.File is { } seed)
            {
                var loader = ActivatorUtilities.CreateInstance<SeedLoader>(Services);
                await ActivatorUtilities.CreateInstance<SeedWhenStoreIsBack>(Services, loader).StartAsync(seed, cancellationToken);
            }

            await _app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (StartupFailure.WithEndpoint(e, GuardEndpoints.Read(_app.Configuration)) is ConfigurationException named && named != e)
        {
            throw named;
        }

        Services.GetRequiredService<EndpointPolicy>().SetOwnListeners(Listeners.Addresses);
        Services.GetRequiredService<HealthState>().Started();
        var logger = Services.GetRequiredService<ILogger<GuardApp>>();
        LogStarted(logger, BuildInfo.Version, Listeners.ToString());
        foreach (var variable in IgnoredVariables.Where(v => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(v))))
        {
            LogIgnored(logger, variable);
        }
    }

    /// <summary>Runs until a signal, or whoever stops the host, ends it.</summary>
    public async Task RunAsync()
    {
        try
        {
            await StartAsync();
        }
        catch (OperationCanceledException) when (_app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop before it had started: that is an end as good as any.
            return;
        }

        await _app.WaitForShutdownAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken = default) => _app.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static RequestDelegate RequestFlow(IServiceProvider services) => services.GetRequiredService<GatewayHandler>().HandleAsync;

    /// <summary>Addresses the framework would read from the environment. They have no names, so no role: a container image that sets one
    /// must not move Guard's listeners.</summary>
    private static readonly string[] IgnoredVariables =
        ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "DOTNET_HTTP_PORTS", "DOTNET_HTTPS_PORTS"];

    private static void AddLogging(WebApplicationBuilder builder, HealthState health)
        => builder.Logging
            .AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddConsole()

            // A failed start is told by whoever started it, in one line; the framework would add a stack trace.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => health.IsStarted && level >= LogLevel.Warning);

    private static void UsePipeline(WebApplication app, GuardAppParts parts)
    {
        // Branches of their own instead of the application's endpoints: those would put routing in front of the gateway too.
        var routes = new RequestRoutes(
            GatewayRoute(app.Services, (parts.Gateway ?? RequestFlow)(app.Services)),
            EndpointRoute(app.Services, static endpoints => endpoints.MapControlApi()),
            EndpointRoute(app.Services, null),
            GatewayMayThrow: parts.Gateway is not null);
        var pipeline = ActivatorUtilities.CreateInstance<RequestPipeline>(app.Services, routes);
        ((IApplicationBuilder)app).Run(pipeline.InvokeAsync);
    }

    private static RequestDelegate GatewayRoute(IServiceProvider services, RequestDelegate gateway)
    {
        var branch = new ApplicationBuilder(services);

        // For refusals inside a WebSocket. No pings: a close frame is all that is ever sent.
        branch.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        gateway = ActivatorUtilities.CreateInstance<HttpsRedirect>(services).Before(gateway);
        branch.Run(gateway);
        var webSockets = branch.Build();

        // What cannot be a handshake need not carry the means to accept one.
        return context => context.Request.Headers.Upgrade.Count == 0 && HttpProtocol.IsHttp11(context.Request.Protocol)
            ? gateway(context)
            : webSockets(context);
    }

    private static RequestDelegate EndpointRoute(IServiceProvider services, Action<IEndpointRouteBuilder>? map)
    {
        var branch = new ApplicationBuilder(services);
        branch.UseRouting();
        branch.UseEndpoints(endpoints =>
        {
            endpoints.MapHealth();
            map?.Invoke(endpoints);
            endpoints.MapFallback("{*path}", context => ErrorWriter.WriteAsync(context, GuardErrors.ApiNotFound()));
        });
        return branch.Build();
    }

    [LoggerMessage(1, LogLevel.Information, "Guard {Version} listens on {Listeners}", EventName = "Started")]
    private static partial void LogStarted(ILogger logger, string version, string listeners);

    [LoggerMessage(2, LogLevel.Information, "{Variable} is ignored: Guard's addresses are Kestrel:Endpoints:{{name}}:Url, because a listener's role follows from its name", EventName = "AddressIgnored")]
    private static partial void LogIgnored(ILogger logger, string variable);
}
