using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>Pool health: reported from outside and read. Thread-safe.</summary>
internal sealed partial class PoolHealthEndpoints(IPoolHealthStore health, IPoolStore pools, ILogger<PoolHealthEndpoints> logger)
{
    public void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/pool-health/{pool}/errors", ErrorAsync)
            .WithSummary("Reports that a pool failed as a whole")
            .TakesQuery(QueryParameter.Namespace)
            .TakesBody<PoolError>()
            .Answers<PoolHealthShape>(StatusCodes.Status413PayloadTooLarge);
        api.MapPost("/pool-health/{pool}/successes", SuccessAsync)
            .WithSummary("Reports that a pool worked")
            .TakesQuery(QueryParameter.Namespace)
            .Answers<PoolHealthShape>();
        api.MapGet("/pool-health/{pool}", ReadAsync)
            .WithSummary("The health of a pool now")
            .TakesQuery(QueryParameter.Namespace)
            .Answers<PoolHealthShape>();
    }

    private async Task<IResult> ErrorAsync(ControlCall call, string pool)
    {
        var error = await call.ReadAsync(InputJson.Default.PoolError, isReport: true);
        var (id, refusal) = await PoolAsync(call, pool);
        if (refusal is not null)
        {
            return ControlResult.Error(refusal);
        }

        var now = await health.ReportErrorAsync(id, error!, call.Cancelled);
        LogReported(id, error!.Kind, now.IsRed);
        return Answer(now);
    }

    private async Task<IResult> SuccessAsync(ControlCall call, string pool)
    {
        var (id, refusal) = await PoolAsync(call, pool);
        return refusal is null ? Answer(await health.ReportSuccessAsync(id, call.Cancelled)) : ControlResult.Error(refusal);
    }

    private async Task<IResult> ReadAsync(ControlCall call, string pool)
    {
        var (id, refusal) = await PoolAsync(call, pool);
        return refusal is null ? Answer(await health.ReadAsync(id, call.Cancelled)) : ControlResult.Error(refusal);
    }

    /// <summary>The pool of the call, which must have a runner-config: health of pools that do not exist would never be cleaned up.</summary>
    private async ValueTask<(PoolId Pool, GuardError? Refusal)> PoolAsync(ControlCall call, string pool)
    {
        var id = new PoolId(call.Namespace(), call.PathPart("pool", pool, TextRule.Label));
        if (call.Error is { } error)
        {
            return (id, error);
        }

        if (await pools.GetAsync(id, call.Cancelled) is not null)
        {
            return (id, null);
        }

        return (id, await pools.NamespaceExistsAsync(id.Namespace, call.Cancelled)
            ? GuardErrors.NoRunnerConfig(id.Namespace, id.Name)
            : GuardErrors.NamespaceNotFound(id.Namespace));
    }

    private static IResult Answer(PoolHealthSnapshot now) => ControlResult.Ok(PoolHealthShape.Of(now), ControlJson.Default.PoolHealthShape);

    [LoggerMessage(
        1, LogLevel.Debug,
        "Pool {Pool} was reported to have failed: {Kind} (red now: {IsRed})",
        EventName = "PoolErrorReported")]
    private partial void LogReported(PoolId pool, PoolErrorKind kind, bool isRed);
}
