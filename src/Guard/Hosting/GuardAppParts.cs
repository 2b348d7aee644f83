namespace Guard.Hosting;

/// <summary>What a composition may add or replace: the parts of other rooms, and what tests hold still.</summary>
internal sealed record GuardAppParts
{
    /// <summary>Runs when the configuration's layers stand, before anything is read of them.</summary>
    public Action<WebApplicationBuilder>? Configure { get; init; }

    /// <summary>Runs after all services are added, so it can replace any.</summary>
    public Action<IServiceCollection>? Services { get; init; }

    /// <summary>Serves every request of a gateway listener. Null: <see cref="GuardApp.NoActors"/>.</summary>
    public Func<IServiceProvider, RequestDelegate>? Gateway { get; init; }

    /// <summary>Adds the control API to the endpoints of control listeners.</summary>
    public Action<IEndpointRouteBuilder>? Control { get; init; }
}
