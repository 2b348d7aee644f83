using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Diagnostics;
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
    IRunnerStore runners,
    IActorStore actors,
    IPoolStore pools,
    LiveOptions options,
    EndpointPolicy endpoints,
    RunnerRegistry registry,
    GuardMetrics metrics,
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

        if (!await pools.NamespaceExistsAsync(runner!.Pool.Namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(runner.Pool.Namespace));
        }

        if (await registry.RegisterAsync(runner, call.Cancelled) is not { } registered)
        {
            return ControlResult.Error(GuardErrors.NoRunnerConfig(runner.Pool.Namespace, runner.Pool.Name));
        }

        LogRegistered(registered.RunnerId, runner.Pool, runner.Version, runner.TotalSlots, registered.RunnerId != newId);
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

        return await runners.HeartbeatAsync(id, call.Cancelled) is { } beat
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

        if (!await runners.DrainAsync(id, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.RunnerNotFound());
        }

        LogDraining(id);
        return ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape);
    }

    private async Task<IResult> DeleteAsync(ControlCall call, string id)
    {
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await runners.DeleteAsync(id, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.RunnerNotFound());
        }

        LogDeleted(id);
        return ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape);
    }

    private async Task<IResult> EventsAsync(ControlCall call, string id)
    {
        if (await call.ReadAsync(InputJson.Default.RunnerEventsShape, isReport: true) is not { } body)
        {
            return ControlResult.Error(call.Error!);
        }

        // A stopped runner has lost its actors already: it must hear that it is to register again.
        if (await runners.GetAsync(id, call.Cancelled) is not { StopTs: 0 })
        {
            return ControlResult.Error(GuardErrors.RunnerNotFound());
        }

        var results = new List<string>(body.Events.Count);
        foreach (var item in body.Events)
        {
            var runnerEvent = item.ToEvent();
            var result = await actors.ApplyEventAsync(id, runnerEvent, call.Cancelled) switch
            {
                RunnerEventResult.Ok => "ok",
                RunnerEventResult.Stale => "stale",
                _ => "unknown",
            };
            results.Add(result);
            Told(id, runnerEvent, item.Event, result);
        }

        return ControlResult.Ok(new RunnerEventsReply(results), ControlJson.Default.RunnerEventsReply);
    }

    private void Told(string runnerId, RunnerEvent runnerEvent, string kind, string result)
    {
        metrics.RunnerEvent(kind, result);
        if (runnerEvent.Kind == RunnerEventKind.Crashed && result == "ok")
        {
            LogCrashed(runnerEvent.Actor, runnerEvent.Generation, runnerId, CrashMessage.Clean(runnerEvent.Message));
        }
        else
        {
            LogEvent(runnerEvent.Actor, runnerEvent.Generation, runnerId, kind, result);
        }
    }

    [LoggerMessage(
        1, LogLevel.Information,
        "Runner {RunnerId} of pool {Pool} registered: version {Version}, {Slots} slots (again: {Again})",
        EventName = "RunnerRegistered")]
    private partial void LogRegistered(string runnerId, PoolId pool, int version, int slots, bool again);

    [LoggerMessage(
        2, LogLevel.Information,
        "Runner {RunnerId} drains on request: it gets no new actors, and those it has are told to stop",
        EventName = "RunnerDrainRequested")]
    private partial void LogDraining(string runnerId);

    [LoggerMessage(
        3, LogLevel.Information,
        "Runner {RunnerId} deleted on request: its actors follow their crash policy",
        EventName = "RunnerDeleted")]
    private partial void LogDeleted(string runnerId);

    [LoggerMessage(
        4, LogLevel.Warning,
        "Actor {ActorId} generation {Generation} crashed on runner {RunnerId}: {Reason}. It follows its crash policy; look at the runner's log",
        EventName = "ActorCrashed")]
    private partial void LogCrashed(ActorId actorId, long generation, string runnerId, string reason);

    [LoggerMessage(
        5, LogLevel.Debug,
        "Runner {RunnerId} says {Event} of actor {ActorId} generation {Generation}: {Result}",
        EventName = "RunnerEvent")]
    private partial void LogEvent(ActorId actorId, long generation, string runnerId, string @event, string result);
}
