using Guard.Core.Errors;

namespace Guard.Control;

/// <summary>The control API as the host sees it: services and endpoints.</summary>
internal static class ControlApi
{
    /// <summary>Adds what <see cref="MapControlApi"/> needs, on top of the storage ports, <c>LiveOptions</c>, <c>TimeProvider</c>,
    /// <see cref="Input.EndpointCheck"/> and <see cref="StopActor"/>, which the host registers.</summary>
    public static IServiceCollection AddControlApi(this IServiceCollection services)
    {
        services.AddControlOpenApi();
        services.AddSingleton<ControlGate>();
        services.AddSingleton<ActorErrorView>();
        services.AddSingleton<RunnerConfigEndpoints>();
        services.AddSingleton<ActorEndpoints>();
        services.AddSingleton<RunnerEndpoints>();
        services.AddSingleton<PoolHealthEndpoints>();
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
        services.GetRequiredService<RunnerConfigEndpoints>().Map(api);
        services.GetRequiredService<ActorEndpoints>().Map(api);
        services.GetRequiredService<RunnerEndpoints>().Map(api);
        services.GetRequiredService<PoolHealthEndpoints>().Map(api);
        api.MapOpenApi("/openapi/{documentName}.json");
        api.MapFallback("{**path}", static context => ErrorWriter.WriteAsync(context, GuardErrors.ApiNotFound()));

        // Around everything, also the binding of parameters: nothing the framework throws or answers may get past the gate.
        var gate = services.GetRequiredService<ControlGate>();
        ((IEndpointConventionBuilder)api).Finally(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => gate.InvokeAsync(context, inner);
        });
    }
}
