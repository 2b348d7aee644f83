using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>Runners: their life as they tell it, and what they say of their actors. Thread-safe.</summary>
internal sealed partial class RunnerEndpoints(
    RunnerInbox inbox,
    IRunnerStore runners,
    IPoolStore pools,
    LiveOptions options,
    EndpointPolicy endpoints,
    ILogger<RunnerEndpoints> logger)
{
    public void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/runners", RegisterAsync)
            .WithSummary("Registers a runner, or renews the one of the same key")
            .TakesQuery(QueryParameter.Namespace)
            .TakesBody<RunnerRegisterShape>()
            .Answers<RunnerRegisterReply>(StatusCodes.Status413PayloadTooLarge)
            .ForRunners();
        api.MapGet("/runners", ListAsync)
            .WithSummary("Lists runners")
            .TakesQuery(
                QueryParameter.Namespace,
                new("name", "Only of this pool."),
                new("include_stopped", "true: stopped and lost ones too."),
                QueryParameter.Limit,
                QueryParameter.Cursor)
            .Answers<RunnerList>();
        api.MapPost("/runners/{id}/heartbeat", HeartbeatAsync)
            .WithSummary("Says that a runner lives; 404 when it must register again")
            .Answers<HeartbeatReply>(StatusCodes.Status404NotFound)
            .ForRunners();
        api.MapGet("/runners/{id}/actors", ActorsAsync)
            .WithSummary("The actors a runner owns, starting ones included")
            .Answers<RunnerActorsReply>(StatusCodes.Status404NotFound)
            .ForRunners();
        api.MapPost("/runners/{id}/drain", DrainAsync)
            .WithSummary("Gives a runner no new actors from now on, and tells those it has to stop")
            .Answers<EmptyShape>(StatusCodes.Status404NotFound)
            .ForRunners();
        api.MapDelete("/runners/{id}", DeleteAsync)
            .WithSummary("Stops a runner at once; its actors follow their crash policy")
            .Answers<EmptyShape>(StatusCodes.Status404NotFound)
            .ForRunners();
        api.MapPost("/runners/{id}/events", EventsAsync)
            .WithSummary("Applies what a runner says of its actors, in order")
            .TakesBody<RunnerEventsShape>()
            .Answers<RunnerEventsReply>(StatusCodes.Status404NotFound, StatusCodes.Status413PayloadTooLarge)
            .ForRunners();
    }

    private async Task<IResult> RegisterAsync(ControlCall call)
    {
        var current = options.Current;
        var newId = ActorId.New((ushort)current.Datacenter.Label).ToString();
        var body = await call.ReadAsync(InputJson.Default.RunnerRegisterShape);
        var runner = body?.ToRunner(call.Namespace(), newId, endpoints, call.Errors);
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (await inbox.RegisterAsync(runner!, call.Cancelled) is not { } registered)
        {
            return ControlResult.Error(await pools.NamespaceExistsAsync(runner!.Pool.Namespace, call.Cancelled)
                ? GuardErrors.NoRunnerConfig(runner.Pool.Namespace, runner.Pool.Name)
                : GuardErrors.NamespaceNotFound(runner.Pool.Namespace));
        }

        LogRegistered(registered.RunnerId, runner!.Pool, runner.Version, runner.TotalSlots, registered.RunnerId != newId);
        var reply = new RunnerRegisterReply(
            RunnerShape.Of(registered),
            (long)(current.Runners.EligibleAfter / 3).TotalMilliseconds,
            (long)current.Runners.LostAfter.TotalMilliseconds);
        return ControlResult.Ok(reply, ControlJson.Default.RunnerRegisterReply);
    }

    private async Task<IResult> ListAsync(ControlCall call)
    {
        var query = new RunnerQuery(
            call.Namespace(), call.Query.OptionalText("name", TextRule.Label), call.Query.Flag("include_stopped"), call.Limit(), call.Cursor());
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(query.Namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(query.Namespace));
        }

        var page = await call.ReadPageAsync(cancelled => runners.ListAsync(query, cancelled));
        if (call.Error is { } notACursor)
        {
            return ControlResult.Error(notACursor);
        }

        return ControlResult.Ok(new RunnerList([.. page.Items.Select(RunnerShape.Of)], new(page.Cursor)), ControlJson.Default.RunnerList);
    }

    private async Task<IResult> HeartbeatAsync(ControlCall call, string id)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        return await inbox.BeatAsync(id, call.Cancelled) is { } beat
            ? ControlResult.Ok(new HeartbeatReply(beat.Draining, beat.ActorsVersion), ControlJson.Default.HeartbeatReply)
            : ControlResult.Error(GuardErrors.RunnerNotFound());
    }

    private async Task<IResult> ActorsAsync(ControlCall call, string id)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        return await runners.GetActorsAsync(id, call.Cancelled) is { } owned
            ? ControlResult.Ok(
                new RunnerActorsReply(owned.ActorsVersion, [.. owned.Actors.Select(a => new RunnerActorShape(a.Id.ToString(), a.Generation))]),
                ControlJson.Default.RunnerActorsReply)
            : ControlResult.Error(GuardErrors.RunnerNotFound());
    }

    private async Task<IResult> DrainAsync(ControlCall call, string id)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        return Done(await inbox.DrainAsync(id, call.Cancelled));
    }

    private async Task<IResult> DeleteAsync(ControlCall call, string id)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        return Done(await inbox.LeaveAsync(id, call.Cancelled));
    }

    private async Task<IResult> EventsAsync(ControlCall call, string id)
    {
        if (await call.ReadAsync(InputJson.Default.RunnerEventsShape, isReport: true) is not { } body)
        {
            return ControlResult.Error(call.Error!);
        }

        return await inbox.ApplyAsync(id, [.. body.Events.Select(e => e.ToEvent())], call.Cancelled) is { } results
            ? ControlResult.Ok(new RunnerEventsReply([.. results.Select(r => r.Name())]), ControlJson.Default.RunnerEventsReply)
            : ControlResult.Error(GuardErrors.RunnerNotFound());
    }

    private static IResult Done(bool isKnown)
        => isKnown ? ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape) : ControlResult.Error(GuardErrors.RunnerNotFound());

    [LoggerMessage(
        1, LogLevel.Information,
        "Runner {RunnerId} of pool {Pool} registered: version {Version}, {Slots} slots (again: {Again})",
        EventName = "RunnerRegistered")]
    private partial void LogRegistered(string runnerId, PoolId pool, int version, int slots, bool again);
}
