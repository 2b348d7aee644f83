using System.Text.Json.Serialization;
using Guard.Control.Shapes;
using Guard.Model.Pools;

namespace Guard.Control;

/// <summary>Every shape of the control API, for replies and for the OpenAPI document. Absent times and ids are null; what the contract
/// marks with <c>?</c> is left out by an attribute of its own.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EmptyShape))]
[JsonSerializable(typeof(ErrorShape))]
[JsonSerializable(typeof(RunnerConfigPutShape))]
[JsonSerializable(typeof(RunnerConfigPutReply))]
[JsonSerializable(typeof(RunnerConfigList))]
[JsonSerializable(typeof(ServerlessCheckShape))]
[JsonSerializable(typeof(ServerlessCheckReply))]
[JsonSerializable(typeof(ActorCreateShape))]
[JsonSerializable(typeof(ActorReply))]
[JsonSerializable(typeof(ActorGetOrCreateReply))]
[JsonSerializable(typeof(ActorList))]
[JsonSerializable(typeof(RunnerRegisterShape))]
[JsonSerializable(typeof(RunnerRegisterReply))]
[JsonSerializable(typeof(RunnerList))]
[JsonSerializable(typeof(HeartbeatReply))]
[JsonSerializable(typeof(RunnerActorsReply))]
[JsonSerializable(typeof(RunnerEventsShape))]
[JsonSerializable(typeof(RunnerEventsReply))]
[JsonSerializable(typeof(PoolError))]
[JsonSerializable(typeof(PoolHealthShape))]
[JsonSerializable(typeof(ImportLineShape))]
[JsonSerializable(typeof(ImportReply))]
// The OpenAPI document asks for the types of path and query parameters.
[JsonSerializable(typeof(string))]
internal sealed partial class ControlJson : JsonSerializerContext;
