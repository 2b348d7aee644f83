using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Control.Shapes;

/// <param name="Error">The actor's own.</param>
/// <param name="RedPool">Its pool's, in place of <c>no_capacity</c>; null while the pool is green.</param>
[JsonConverter(typeof(Converter))]
internal sealed record ActorErrorShape(ActorError Error, PoolError? RedPool)
{
    internal sealed class Converter : JsonConverter<ActorErrorShape>
    {
        public override ActorErrorShape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => throw new NotSupportedException("actor errors are only written here");

        public override void Write(Utf8JsonWriter writer, ActorErrorShape value, JsonSerializerOptions options)
            => ActorErrorJsonConverter.Write(writer, value.Error, value.RedPool);
    }
}
