using System.Text.Json.Serialization;
using Guard.Control.Shapes;
using Guard.Model.Pools;

namespace Guard.Control;

/// <summary>Every shape of the control API, for replies and for the OpenAPI document; bodies are in <see cref="InputJson"/>. Absent times and ids are null; what the contract
/// marks with <c>?</c> is left out by an attribute of its own.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EmptyShape))]
[JsonSerializable(typeof(ErrorShape))]
[JsonSerializable(typeof(RunnerConfigPutReply))]
[JsonSerializable(typeof(RunnerConfigList))]
[JsonSerializable(typeof(ServerlessCheckReply))]
[JsonSerializable(typeof(ActorReply))]
[JsonSerializable(typeof(ActorGetOrCreateReply))]
[JsonSerializable(typeof(ActorList))]
[JsonSerializable(typeof(RunnerRegisterReply))]
[JsonSerializable(typeof(RunnerList))]
[JsonSerializable(typeof(HeartbeatReply))]
[JsonSerializable(typeof(RunnerActorsReply))]
[JsonSerializable(typeof(RunnerEventsReply))]
[JsonSerializable(typeof(PoolError))]
[JsonSerializable(typeof(PoolHealthShape))]
[JsonSerializable(typeof(ImportReply))]
// The OpenAPI document asks for the types of path and query parameters.
[JsonSerializable(typeof(string))]
internal sealed partial class ControlJson : JsonSerializerContext;
