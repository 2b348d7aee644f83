using Guard.Core.Errors;
using Guard.Import;

namespace Guard.Control;

/// <summary>The control API as the host sees it: services and endpoints.</summary>
internal static class ControlApi
{
    /// <summary>Adds what <see cref="MapControlApi"/> needs, on top of the storage ports, <c>LiveOptions</c>, <c>TimeProvider</c>,
    /// <c>EndpointPolicy</c>, <c>ServerlessMetadata</c> and <see cref="StopActor"/>, which the host registers.</summary>
    public static IServiceCollection AddControlApi(this IServiceCollection services)
    {
        services.AddControlOpenApi();
        services.AddSingleton<ControlGate>();
        services.AddSingleton<ActorErrorView>();
        services.AddSingleton<RunnerConfigEndpoints>();
        services.AddSingleton<ActorEndpoints>();
        services.AddSingleton<RunnerEndpoints>();
        services.AddSingleton<PoolHealthEndpoints>();
        services.AddSingleton<ServerlessEndpoints>();
        services.AddSingleton<Importer>();
        services.AddSingleton<ImportEndpoints>();
        return services;
    }

    /// <summary>
    /// Maps every call, the OpenAPI document, and <c>api.not_found</c> for every other path and method: map it only where control
    /// endpoints are served. All of it is behind the token. Endpoints mapped beside it (health, metrics) are not.
    /// </summary>
    public static void MapControlApi(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        var api = endpoints.MapGroup("");
        services.GetRequiredService<RunnerConfigEndpoints>().Map(api.MapGroup("").WithTags("runner-configs"));
        services.GetRequiredService<ServerlessEndpoints>().Map(api.MapGroup("").WithTags("runner-configs"));
        services.GetRequiredService<ActorEndpoints>().Map(api.MapGroup("").WithTags("actors"));
        services.GetRequiredService<RunnerEndpoints>().Map(api.MapGroup("").WithTags("runners"));
        services.GetRequiredService<PoolHealthEndpoints>().Map(api.MapGroup("").WithTags("pool-health"));
        services.GetRequiredService<ImportEndpoints>().Map(api.MapGroup("").WithTags("imports"));
        services.GetService<SidecarEndpoints>()?.Map(api.MapGroup("").WithTags("sidecar"));
        api.MapOpenApi("/openapi/v1.json");

        // Before a fallback of the host, which has no gate: without a token nobody learns which paths there are.
        api.Map("{**path}", static context => ErrorWriter.WriteAsync(context, GuardErrors.ApiNotFound()))
            .WithOrder(int.MaxValue - 1)
            .ExcludeFromDescription();

        // Around everything, also the binding of parameters: nothing the framework throws or answers may get past the gate.
        var gate = services.GetRequiredService<ControlGate>();
        ((IEndpointConventionBuilder)api).Finally(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => gate.InvokeAsync(context, inner);
        });
    }
}
