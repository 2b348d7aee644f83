using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Control.Input;
using Guard.Model.Pools;

namespace Guard.Control.Shapes;

/// <summary>Every shape that comes from outside: bodies of the control API, lines of an import, a seed file. Strict: unknown members,
/// members given twice and missing ones are refused, and so are comments, trailing commas, numbers in quotes and names in another case.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Strict, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, MaxDepth = JsonText.MaxDepth)]
[JsonSerializable(typeof(EmptyShape))]
[JsonSerializable(typeof(RunnerConfigPutShape))]
[JsonSerializable(typeof(ServerlessCheckShape))]
[JsonSerializable(typeof(ActorCreateShape))]
[JsonSerializable(typeof(RunnerRegisterShape))]
[JsonSerializable(typeof(RunnerEventsShape))]
[JsonSerializable(typeof(PoolError))]
[JsonSerializable(typeof(ImportLineShape))]
[JsonSerializable(typeof(NamedImportLineShape))]
[JsonSerializable(typeof(SeedShape))]
[JsonSerializable(typeof(Dictionary<string, SeedPoolShape>))]
[JsonSerializable(typeof(List<ListedSeedPoolShape>))]
internal sealed partial class InputJson : JsonSerializerContext;
