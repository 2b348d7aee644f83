using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Core.Options;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;

namespace Guard.Control.Shapes;

/// <summary>The body of POST and PUT /actors.</summary>
internal record ActorCreateShape
{
    [ActorName]
    public required string Name { get; init; }

    /// <summary>Serialised.</summary>
    [Key]
    public string? Key { get; init; }

    [Label]
    public required string RunnerNameSelector { get; init; }

    /// <summary>sleep, restart or destroy.</summary>
    [OneOf("sleep", "restart", "destroy")]
    public string? CrashPolicy { get; init; }

    /// <summary>Base64.</summary>
    [Base64]
    public string? Input { get; init; }

    [Word]
    public string? Datacenter { get; init; }

    /// <summary>The actor to create, unless it is of another datacenter.</summary>
    public NewActor ToActor(string @namespace, ActorId id, DatacenterOptions datacenter, InputErrors errors)
    {
        if (Datacenter is not null && Datacenter != datacenter.Name)
        {
            errors.AddOtherDatacenter("datacenter", $"this datacenter is '{datacenter.Name}'");
        }

        return new NewActor(
            id,
            new PoolId(@namespace, RunnerNameSelector),
            Name,
            Key,
            CrashPolicy switch
            {
                "restart" => Model.Actors.CrashPolicy.Restart,
                "destroy" => Model.Actors.CrashPolicy.Destroy,
                _ => Model.Actors.CrashPolicy.Sleep,
            },
            Input is null ? null : Convert.FromBase64String(Input));
    }
}

internal sealed record ActorReply(ActorShape Actor);

internal sealed record ActorGetOrCreateReply(ActorShape Actor, bool Created);

internal sealed record ActorList(IReadOnlyList<ActorShape> Actors, PaginationShape Pagination);

/// <summary>Times are Unix ms, null = never.</summary>
internal sealed record ActorShape
{
    public required string ActorId { get; init; }

    public required string Name { get; init; }

    public required string? Key { get; init; }

    public required string Namespace { get; init; }

    public required string Datacenter { get; init; }

    public required string RunnerNameSelector { get; init; }

    public required string CrashPolicy { get; init; }

    public required long CreateTs { get; init; }

    public required long? StartTs { get; init; }

    public required long? PendingAllocationTs { get; init; }

    public required long? ConnectableTs { get; init; }

    public required long? SleepTs { get; init; }

    public required long? RescheduleTs { get; init; }

    public required long? DestroyTs { get; init; }

    public required long Generation { get; init; }

    public required string? RunnerId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ActorErrorShape? Error { get; init; }

    public static ActorShape Of(ActorRecord actor, string datacenter, ActorErrorShape? error) => new()
    {
        ActorId = actor.Id.ToString(),
        Name = actor.Name,
        Key = actor.Key,
        Namespace = actor.Pool.Namespace,
        Datacenter = datacenter,
        RunnerNameSelector = actor.Pool.Name,
        CrashPolicy = actor.CrashPolicy switch
        {
            Model.Actors.CrashPolicy.Restart => "restart",
            Model.Actors.CrashPolicy.Destroy => "destroy",
            _ => "sleep",
        },
        CreateTs = actor.CreateTs,
        StartTs = Timestamp.OrNull(actor.StartTs),
        PendingAllocationTs = Timestamp.OrNull(actor.PendingAllocationTs),
        ConnectableTs = Timestamp.OrNull(actor.ConnectableTs),
        SleepTs = Timestamp.OrNull(actor.SleepTs),
        RescheduleTs = Timestamp.OrNull(actor.RescheduleTs),
        DestroyTs = Timestamp.OrNull(actor.DestroyTs),
        Generation = actor.Generation,
        RunnerId = actor.Runner?.RunnerId,
        Error = error,
    };
}

internal static class Timestamp
{
    /// <summary>The records' 0 is the API's null.</summary>
    public static long? OrNull(long unixMs) => unixMs == 0 ? null : unixMs;
}
