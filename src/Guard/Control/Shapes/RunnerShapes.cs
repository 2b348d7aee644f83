using Guard.Control.Input;
using Guard.Core.Transport.Connections;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Control.Shapes;

/// <summary>The body of POST /runners.</summary>
internal record RunnerRegisterShape
{
    public const int MaxSlots = 1_000_000;

    /// <summary>The pool.</summary>
    [Label]
    public required string Name { get; init; }

    [RunnerKey]
    public required string Key { get; init; }

    [Whole(0, int.MaxValue)]
    public required int Version { get; init; }

    [Url]
    public required string Endpoint { get; init; }

    [Whole(1, MaxSlots)]
    public required int TotalSlots { get; init; }

    /// <summary>http1 or h2c.</summary>
    [OneOf("http1", "h2c")]
    public string? Protocol { get; init; }

    /// <summary>The runner to register; null, and an error, when its endpoint may not be called.</summary>
    public NewRunner? ToRunner(string @namespace, string newRunnerId, EndpointPolicy endpoints, InputErrors errors, bool isStatic = false)
    {
        if (endpoints.CheckUrl(Endpoint, out var url) is { } wrong)
        {
            errors.Add("endpoint", wrong);
            return null;
        }

        var protocol = Protocol == "h2c" ? RunnerProtocol.H2c : RunnerProtocol.Http1;
        if (protocol == RunnerProtocol.H2c && url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add("protocol", "h2c is HTTP/2 without TLS: it needs an http:// endpoint");
        }

        return new NewRunner(newRunnerId, new PoolId(@namespace, Name), Key, Version, new RunnerLocation.Http(url, protocol), TotalSlots, isStatic);
    }
}

internal sealed record RunnerRegisterReply(RunnerShape Runner, long HeartbeatIntervalMs, long LostAfterMs);

internal sealed record HeartbeatReply(bool Draining, long ActorsVersion);

internal sealed record RunnerActorsReply(long ActorsVersion, IReadOnlyList<RunnerActorShape> Actors);

internal sealed record RunnerActorShape(string ActorId, long Generation);

internal sealed record RunnerList(IReadOnlyList<RunnerShape> Runners, PaginationShape Pagination);

/// <summary>The body of POST /runners/{id}/events.</summary>
internal sealed record RunnerEventsShape
{
    /// <summary>At most 1000.</summary>
    [AtMost(1000)]
    public required IReadOnlyList<RunnerEventShape> Events { get; init; }
}

internal sealed record RunnerEventShape
{
    private const string Ready = "ready";
    private const string Stopped = "stopped";
    private const string Crashed = "crashed";
    private const string Sleep = "sleep";
    private const string Destroy = "destroy";

    [ActorId]
    public required string ActorId { get; init; }

    [Whole(0, long.MaxValue)]
    public required long Generation { get; init; }

    /// <summary>ready, stopped, crashed, sleep or destroy.</summary>
    [OneOf(Ready, Stopped, Crashed, Sleep, Destroy)]
    public required string Event { get; init; }

    public string? Message { get; init; }

    public RunnerEvent ToEvent()
    {
        // An id of another datacenter is no mistake of form: the store answers that it does not know it.
        _ = Model.Ids.ActorId.TryParse(ActorId, out var id);
        var kind = Event switch
        {
            Ready => RunnerEventKind.Ready,
            Stopped => RunnerEventKind.Stopped,
            Crashed => RunnerEventKind.Crashed,
            Sleep => RunnerEventKind.Sleep,
            _ => RunnerEventKind.Destroy,
        };
        return new RunnerEvent(id, Generation, kind, Message);
    }
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
