using Guard.Control.Shapes;
using Guard.Sidecar;

namespace Guard.Control;

/// <summary>What the application beside this Guard may ask of it. Only in sidecar mode. Thread-safe.</summary>
internal sealed class SidecarEndpoints(SidecarRunner sidecar)
{
    /// <summary>GET too: an HTTP hook of Kubernetes can do nothing else.</summary>
    public void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/sidecar/drain", DrainAsync)
            .WithSummary("Drains the application beside this Guard; answers when it has no actors any more. For its preStop hook")
            .Answers<EmptyShape>()
            .ForRunners();
        api.MapGet("/sidecar/drain", DrainAsync)
            .WithSummary("As POST, for hooks that can only GET")
            .WithMetadata(ChangingCall.Instance)
            .Answers<EmptyShape>()
            .ForRunners();
    }

    private async Task<IResult> DrainAsync(ControlCall call)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        await sidecar.DrainAsync(call.Cancelled);
        return ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape);
    }
}
