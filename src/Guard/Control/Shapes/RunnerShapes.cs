using Guard.Model.Runners;

namespace Guard.Control.Shapes;

/// <summary>The body of POST /runners. For the OpenAPI document: <see cref="Input.RunnerInput"/> reads it.</summary>
internal sealed record RunnerRegisterShape
{
    /// <summary>The pool.</summary>
    public required string Name { get; init; }

    public required string Key { get; init; }

    public required int Version { get; init; }

    public required string Endpoint { get; init; }

    public required int TotalSlots { get; init; }

    /// <summary>http1 or h2c.</summary>
    public string? Protocol { get; init; }
}

internal sealed record RunnerRegisterReply(RunnerShape Runner, long HeartbeatIntervalMs, long LostAfterMs);

internal sealed record HeartbeatReply(bool Draining, long ActorsVersion);

internal sealed record RunnerActorsReply(long ActorsVersion, IReadOnlyList<RunnerActorShape> Actors);

internal sealed record RunnerActorShape(string ActorId, long Generation);

internal sealed record RunnerList(IReadOnlyList<RunnerShape> Runners, PaginationShape Pagination);

/// <summary>The body of POST /runners/{id}/events. For the OpenAPI document: <see cref="Input.RunnerEventInput"/> reads it.</summary>
internal sealed record RunnerEventsShape
{
    /// <summary>At most 1000.</summary>
    public required IReadOnlyList<RunnerEventShape> Events { get; init; }
}

internal sealed record RunnerEventShape
{
    public required string ActorId { get; init; }

    public required long Generation { get; init; }

    /// <summary>ready, stopped, crashed, sleep or destroy.</summary>
    public required string Event { get; init; }

    public string? Message { get; init; }
}

/// <param name="Results">Of the events in their order: ok, stale or unknown.</param>
internal sealed record RunnerEventsReply(IReadOnlyList<string> Results);

/// <summary>Times are Unix ms, null = never.</summary>
internal sealed record RunnerShape
{
    public required string RunnerId { get; init; }

    public required string Key { get; init; }

    public required string Name { get; init; }

    public required string Namespace { get; init; }

    public required int Version { get; init; }

    public required string Endpoint { get; init; }

    public required int TotalSlots { get; init; }

    public required int RemainingSlots { get; init; }

    public required long CreateTs { get; init; }

    public required long? DrainTs { get; init; }

    public required long? StopTs { get; init; }

    public required long? LastPingTs { get; init; }

    public static RunnerShape Of(RunnerRecord runner) => new()
    {
        RunnerId = runner.RunnerId,
        Key = runner.Key,
        Name = runner.Pool.Name,
        Namespace = runner.Pool.Namespace,
        Version = runner.Version,
        Endpoint = runner.Address.Location.Endpoint,
        TotalSlots = runner.TotalSlots,
        RemainingSlots = runner.RemainingSlots,
        CreateTs = runner.CreateTs,
        DrainTs = Timestamp.OrNull(runner.DrainTs),
        StopTs = Timestamp.OrNull(runner.StopTs),
        LastPingTs = Timestamp.OrNull(runner.LastPingTs),
    };
}
