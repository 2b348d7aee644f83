using Guard.Control.Input;
using Guard.Control.Shapes;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Control;

/// <summary>Actors: created, looked up and destroyed. They are started by requests to the gateway, never here. Thread-safe.</summary>
internal sealed partial class ActorEndpoints(
    IActorStore actors,
    IPoolStore pools,
    ActorErrorView errors,
    LiveOptions options,
    StopActor stop,
    IHostApplicationLifetime lifetime,
    ILogger<ActorEndpoints> logger)
{
    private const int MaxIds = 1000;

    private static readonly TextRule Ids = new(text => text.Length > 0, $"must be 1 to {MaxIds} actor ids joined by ','");

    public void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/actors", CreateAsync)
            .WithSummary("Creates an actor; it is started by the first request for it")
            .TakesQuery(QueryParameter.Namespace)
            .TakesBody<ActorCreateShape>()
            .Answers<ActorReply>(StatusCodes.Status413PayloadTooLarge);
        api.MapPut("/actors", GetOrCreateAsync)
            .WithSummary("Finds the actor of a key, or creates it")
            .TakesQuery(QueryParameter.Namespace)
            .TakesBody<ActorCreateShape>()
            .Answers<ActorGetOrCreateReply>(StatusCodes.Status413PayloadTooLarge);
        api.MapGet("/actors", ListAsync)
            .WithSummary("Lists actors by ids, or by name and key")
            .TakesQuery(
                QueryParameter.Namespace,
                new("actor_ids", "These, joined by ','. Either this or name is needed."),
                new("name", "Those of this name."),
                new("key", "With name: only the one of this serialised key."),
                new("include_destroyed", "true: destroyed ones too, while they are remembered."),
                QueryParameter.Limit,
                QueryParameter.Cursor)
            .Answers<ActorList>();
        api.MapDelete("/actors/{id}", DeleteAsync)
            .WithSummary("Destroys an actor for good and tells its runner to stop it")
            .TakesQuery(QueryParameter.Namespace)
            .Answers<EmptyShape>(StatusCodes.Status404NotFound);
    }

    private async Task<IResult> CreateAsync(ControlCall call)
    {
        var (actor, refusal) = await ReadAsync(call, keyNeeded: false);
        if (actor is null)
        {
            return ControlResult.Error(refusal!);
        }

        var result = await actors.CreateAsync(actor, call.Cancelled);
        return result.Status switch
        {
            CreateActorStatus.Created
                => ControlResult.Ok(new ActorReply(await ShapeAsync(result.Actor!, call.Cancelled)), ControlJson.Default.ActorReply),
            CreateActorStatus.KeyTaken => ControlResult.Error(GuardErrors.DuplicateKey(result.Actor!.Id.ToString())),
            _ => ControlResult.Error(GuardErrors.NoRunnerConfig(actor.Pool.Namespace, actor.Pool.Name)),
        };
    }

    private async Task<IResult> GetOrCreateAsync(ControlCall call)
    {
        var (actor, refusal) = await ReadAsync(call, keyNeeded: true);
        if (actor is null)
        {
            return ControlResult.Error(refusal!);
        }

        // An existing key is found whatever its pool, so also when the pool named here does not exist.
        if (await actors.FindAsync(actor.Pool.Namespace, actor.Name, actor.Key!, call.Cancelled) is { } existing)
        {
            return await FoundAsync(existing, created: false, call.Cancelled);
        }

        var result = await actors.CreateAsync(actor, call.Cancelled);
        return result.Status == CreateActorStatus.NoPool
            ? ControlResult.Error(GuardErrors.NoRunnerConfig(actor.Pool.Namespace, actor.Pool.Name))
            : await FoundAsync(result.Actor!, result.Status == CreateActorStatus.Created, call.Cancelled);
    }

    private async Task<IResult> ListAsync(ControlCall call)
    {
        var label = options.Current.Datacenter.Label;
        var query = new ActorQuery(
            call.Namespace(),
            call.Query.OptionalText("actor_ids", Ids) is { } ids ? ReadIds(ids, label, call.Errors) : null,
            call.Query.OptionalText("name", TextRule.ActorName),
            call.Query.OptionalText("key", TextRule.Key),
            call.Query.Flag("include_destroyed"),
            call.Limit(),
            call.Cursor());
        if (query.Ids is null == query.Name is null)
        {
            call.Errors.Add(query.Ids is null ? "actor_ids" : "name", "must be exactly one of actor_ids, name");
        }

        if (query.Key is not null && query.Name is null)
        {
            call.Errors.Add("key", "is only allowed with name");
        }

        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(query.Namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(query.Namespace));
        }

        var page = await call.ReadPageAsync(cancelled => actors.ListAsync(query, cancelled));
        if (call.Error is { } notACursor)
        {
            return ControlResult.Error(notACursor);
        }

        var shown = await errors.OfAsync(page.Items, call.Cancelled);
        var datacenter = options.Current.Datacenter.Name;
        return ControlResult.Ok(
            new ActorList([.. page.Items.Zip(shown, (actor, e) => ActorShape.Of(actor, datacenter, e))], new(page.Cursor)),
            ControlJson.Default.ActorList);
    }

    private async Task<IResult> DeleteAsync(ControlCall call, string id)
    {
        var @namespace = call.Namespace();
        var actorId = ActorIdInput.Read("actor_id", id, options.Current.Datacenter.Label, call.Errors);
        if (call.Error is { } error)
        {
            return ControlResult.Error(error);
        }

        if (!await pools.NamespaceExistsAsync(@namespace, call.Cancelled))
        {
            return ControlResult.Error(GuardErrors.NamespaceNotFound(@namespace));
        }

        // The namespace of an actor never changes, so the look before the act is safe.
        if (await actors.GetAsync(actorId, call.Cancelled) is not { } actor || actor.Pool.Namespace != @namespace
            || await actors.DestroyAsync(actorId, call.Cancelled) is not { } before)
        {
            return ControlResult.Error(GuardErrors.ActorNotFound());
        }

        LogDestroyed(actorId, before.Pool);
        if (before.Runner is not null)
        {
            // The actor is gone whatever its runner answers, and the caller need not wait for a runner that hangs.
            _ = StopAsync(before);
        }

        return ControlResult.Ok(EmptyShape.Instance, ControlJson.Default.EmptyShape);
    }

    private async Task StopAsync(ActorRecord actor)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await stop(actor.Runner!, actor.Id, actor.Generation, "destroy", lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            LogStopFailed(actor.Id, actor.Runner!.RunnerId, e);
        }
    }

    /// <summary>The actor, or why there is none.</summary>
    private async ValueTask<(NewActor? Actor, GuardError? Refusal)> ReadAsync(ControlCall call, bool keyNeeded)
    {
        var datacenter = options.Current.Datacenter;
        var body = await call.ReadAsync(InputJson.Default.ActorCreateShape);
        var actor = body?.ToActor(call.Namespace(), ActorId.New((ushort)datacenter.Label), datacenter, call.Errors);
        if (keyNeeded && actor is { Key: null })
        {
            call.Errors.Add("key", "missing; get-or-create finds actors by their key");
        }

        if (call.Error is { } error)
        {
            return (null, error);
        }

        return await pools.NamespaceExistsAsync(actor!.Pool.Namespace, call.Cancelled)
            ? (actor, null)
            : (null, GuardErrors.NamespaceNotFound(actor.Pool.Namespace));
    }

    private static List<ActorId> ReadIds(string text, int label, InputErrors errors)
    {
        var ids = text.Split(',');
        if (ids.Length > MaxIds)
        {
            errors.Add("actor_ids", Ids.Allowed);
            return [];
        }

        return [.. ids.Select(id => ActorIdInput.Read("actor_ids", id, label, errors)).Distinct()];
    }

    private async ValueTask<IResult> FoundAsync(ActorRecord actor, bool created, CancellationToken cancellationToken)
        => ControlResult.Ok(
            new ActorGetOrCreateReply(await ShapeAsync(actor, cancellationToken), created), ControlJson.Default.ActorGetOrCreateReply);

    private async ValueTask<ActorShape> ShapeAsync(ActorRecord actor, CancellationToken cancellationToken)
        => ActorShape.Of(actor, options.Current.Datacenter.Name, (await errors.OfAsync([actor], cancellationToken))[0]);

    [LoggerMessage(1, LogLevel.Debug, "Actor {ActorId} of pool {Pool} destroyed on request", EventName = "ActorDestroyed")]
    private partial void LogDestroyed(ActorId actorId, PoolId pool);

    [LoggerMessage(
        2, LogLevel.Warning,
        "Destroyed actor {ActorId} could not be stopped at runner {RunnerId}; its next look at its actors tells it",
        EventName = "ActorStopFailed")]
    private partial void LogStopFailed(ActorId actorId, string runnerId, Exception exception);
}
