using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>Runner-configs: what pools there are and how their runners come to be. Thread-safe.</summary>
internal sealed partial class RunnerConfigEndpoints(
    IPoolStore pools,
    ActorErrorView errors,
    LiveOptions options,
    EndpointPolicy endpoints,
    ILogger<RunnerConfigEndpoints> logger)
{
    public void Map(IEndpointRouteBuilder api)
    {
        api.MapPut("/runner-configs/{pool}", PutAsync)
            .WithSummary("Creates or replaces the runner-config of a pool, and with it its namespace")
            .TakesQuery(QueryParameter.Namespace)
            .TakesBody<RunnerConfigPutShape>()
            .Answers<RunnerConfigPutReply>(StatusCodes.Status413PayloadTooLarge);
        api.MapGet("/runner-configs", ListAsync)
            .WithSummary("Lists runner-configs; header values are shown as ***")
            .TakesQuery(QueryParameter.Namespace, new("runner_name", "Only this pool."), QueryParameter.Limit, QueryParameter.Cursor)
            .Answers<RunnerConfigList>();
        api.MapDelete("/runner-configs/{pool}", DeleteAsync)
            .WithSummary("Deletes the runner-config of a pool; its runners and actors stay until they end by themselves")
            .TakesQuery(QueryParameter.Namespace)
            .Answers<EmptyShape>();
    }

    private async Task<IResult> PutAsync(ControlCall call, string pool)
    {
        var id = new PoolId(call.Namespace(), call.PathPart("pool", pool, TextRule.Label));
        var body = await call.ReadAsync(InputJson.Default.RunnerConfigPutShape);
        var config = body?.ToConfig(options.Current.Datacenter.Name, endpoints, call.Errors);
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        var changed = await pools.PutAsync(id, config!, call.Cancelled);
        LogPut(id, config!.Serverless is null ? "normal" : "serverless", changed);
        return ControlResult.Ok(new RunnerConfigPutReply(changed), ControlJson.Default.RunnerConfigPutReply);
    }

    private async Task<IResult> ListAsync(ControlCall call)
    {
        var query = new PoolQuery(call.Namespace(), call.Query.OptionalText("runner_name", TextRule.Label), call.Limit(), call.Cursor());
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(query.Namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(query.Namespace));
        }

        var page = await call.ReadPageAsync(cancelled => pools.ListAsync(query, cancelled));
        if (call.Error is { } notACursor)
        {
            return ControlResult.Error(notACursor);
        }

        var configs = new Dictionary<string, RunnerConfigShape>(page.Items.Count);
        var red = await errors.RedErrorsAsync([.. page.Items.Select(e => e.Pool)], call.Cancelled);
        foreach (var entry in page.Items)
        {
            configs[entry.Pool.Name] = RunnerConfigShape.Of(options.Current.Datacenter.Name, entry.Config, red.GetValueOrDefault(entry.Pool));
        }

        return ControlResult.Ok(new RunnerConfigList(configs, new(page.Cursor)), ControlJson.Default.RunnerConfigList);
    }

    private async Task<IResult> DeleteAsync(ControlCall call, string pool)
    {
        var id = new PoolId(call.Namespace(), call.PathPart("pool", pool, TextRule.Label));
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(id.Namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(id.Namespace));
        }

        if (await pools.DeleteAsync(id, call.Cancelled))
        {
            LogDeleted(id);
        }

        return ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape);
    }

    [LoggerMessage(
        1, LogLevel.Information,
        "Runner-config of pool {Pool} written ({Kind}, endpoint changed: {EndpointChanged})",
        EventName = "RunnerConfigWritten")]
    private partial void LogPut(PoolId pool, string kind, bool endpointChanged);

    [LoggerMessage(
        2, LogLevel.Information,
        "Runner-config of pool {Pool} deleted; no new actors can be created in it",
        EventName = "RunnerConfigDeleted")]
    private partial void LogDeleted(PoolId pool);
}
