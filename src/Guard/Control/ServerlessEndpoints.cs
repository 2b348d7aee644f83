using Guard.Control.Shapes;
using Guard.Core.State.Serverless;

namespace Guard.Control;

/// <summary>Trying a serverless endpoint before a pool is given it. Thread-safe.</summary>
internal sealed class ServerlessEndpoints(ServerlessMetadata metadata)
{
    public void Map(IEndpointRouteBuilder api) => api.MapPost("/runner-configs/serverless-health-check", CheckAsync)
        .WithSummary("Reads the metadata of a serverless endpoint once, as its pool would; a failure is an answer, not an error")
        .TakesQuery(QueryParameter.Namespace)
        .TakesBody<ServerlessCheckShape>()
        .Answers<ServerlessCheckReply>(StatusCodes.Status413PayloadTooLarge);

    private async Task<IResult> CheckAsync(ControlCall call)
    {
        // Required as for every call on runner-configs; that it exists is not: it may be made by the config that is tried here.
        _ = call.Namespace();
        if (await call.ReadAsync(InputJson.Default.ServerlessCheckShape) is not { } body)
        {
            return ControlResult.Error(call.Error!);
        }

        var result = await metadata(body.Url, body.Headers ?? new Dictionary<string, string>(), call.Cancelled);
        return ControlResult.Ok(ServerlessCheckReply.Of(result), ControlJson.Default.ServerlessCheckReply);
    }
}
