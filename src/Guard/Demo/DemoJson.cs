using System.Text.Json.Serialization;

namespace Guard.Demo;

/// <summary>Body of <c>PUT /runner-configs/{pool}</c>.</summary>
internal sealed record PoolConfigRequest(Dictionary<string, DatacenterPool> Datacenters);

/// <summary>Exactly one of the two.</summary>
internal sealed record DatacenterPool(NormalPool? Normal = null, ServerlessPool? Serverless = null);

/// <summary>A normal pool needs no settings: <c>{}</c>.</summary>
internal sealed record NormalPool;

/// <summary>A pool whose runners Guard asks an endpoint for.</summary>
internal sealed record ServerlessPool(string Url, int RequestLifespan, int SlotsPerRunner);

/// <summary>Body of <c>PUT /actors</c>.</summary>
internal sealed record ActorRequest(string Name, string Key, string RunnerNameSelector, string CrashPolicy);

internal sealed record ActorReply(ActorBody Actor);

internal sealed record ActorBody(string ActorId);

/// <summary>Body of <c>POST /runners</c>.</summary>
internal sealed record RunnerRequest(string Name, string Key, int Version, string Endpoint, int TotalSlots);

internal sealed record RunnerReply(RunnerBody Runner, int HeartbeatIntervalMs);

internal sealed record RunnerBody(string RunnerId);

internal sealed record HeartbeatReply(bool Draining, long ActorsVersion);

internal sealed record OwnedActorsReply(long ActorsVersion, OwnedActor[] Actors);

internal sealed record OwnedActor(string ActorId, long Generation);

/// <summary>Body of <c>POST /runners/{id}/events</c>.</summary>
internal sealed record EventsRequest(ActorEvent[] Events);

internal sealed record ActorEvent(string ActorId, long Generation, string Event);

/// <summary>What Guard sends with a start; members a demo does not need are left out.</summary>
internal sealed record StartRequest(string ActorId, long Generation, string Name, string? Key);

internal sealed record StopRequest(long Generation, string Reason);

/// <summary>Body of <c>POST /pool-health/{pool}/errors</c>.</summary>
internal sealed record PoolErrorRequest(HttpFault ServerlessHttpError);

internal sealed record HttpFault(int StatusCode, string Body);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PoolConfigRequest))]
[JsonSerializable(typeof(ActorRequest))]
[JsonSerializable(typeof(ActorReply))]
[JsonSerializable(typeof(RunnerRequest))]
[JsonSerializable(typeof(RunnerReply))]
[JsonSerializable(typeof(HeartbeatReply))]
[JsonSerializable(typeof(OwnedActorsReply))]
[JsonSerializable(typeof(EventsRequest))]
[JsonSerializable(typeof(StartRequest))]
[JsonSerializable(typeof(StopRequest))]
[JsonSerializable(typeof(PoolErrorRequest))]
internal sealed partial class DemoJson : JsonSerializerContext;
