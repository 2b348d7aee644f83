using System.Text.Json.Serialization;
using Guard.Model.Actors;

namespace Guard.Control.Shapes;

/// <summary>The body of POST and PUT /actors. For the OpenAPI document: <see cref="Input.ActorInput"/> reads it.</summary>
internal sealed record ActorCreateShape
{
    public required string Name { get; init; }

    /// <summary>Serialised.</summary>
    public string? Key { get; init; }

    public required string RunnerNameSelector { get; init; }

    /// <summary>sleep, restart or destroy.</summary>
    public string? CrashPolicy { get; init; }

    /// <summary>Base64.</summary>
    public string? Input { get; init; }

    public string? Datacenter { get; init; }
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
