using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Model.Pools;
using Guard.Model.Text;

namespace Guard.Model.Actors;

/// <summary>
/// Reads and writes <see cref="ActorError"/> in the control API's shapes. Strict on reading, as <see cref="PoolErrorJsonConverter"/>.
/// No reflection.
/// </summary>
internal sealed class ActorErrorJsonConverter : JsonConverter<ActorError>
{
    public override ActorError Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var name = VariantReader.Text(ref reader, "actor error");
            return name switch
            {
                "no_capacity" => new ActorError(ActorErrorKind.NoCapacity),
                "internal_error" => new ActorError(ActorErrorKind.InternalError),
                "runner_no_response" or "runner_connection_lost" or "runner_draining_timeout" or "crashed"
                    => throw new JsonException($"{name}: must be an object, {{\"{name}\":{{…}}}}"),
                _ => throw Unknown(name),
            };
        }

        var kind = VariantReader.Enter(ref reader, "actor error");
        var error = kind switch
        {
            "runner_no_response" => OfRunner(ref reader, ActorErrorKind.RunnerNoResponse, kind),
            "runner_connection_lost" => OfRunner(ref reader, ActorErrorKind.RunnerConnectionLost, kind),
            "runner_draining_timeout" => OfRunner(ref reader, ActorErrorKind.RunnerDrainingTimeout, kind),
            "crashed" => new ActorError(ActorErrorKind.Crashed, Message: VariantReader.OnlyText(ref reader, kind, "message")),
            "no_capacity" or "internal_error" => throw new JsonException($"{kind}: must be the plain string \"{kind}\""),
            _ => throw Unknown(kind),
        };
        VariantReader.Leave(ref reader, "actor error");
        return error;
    }

    public override void Write(Utf8JsonWriter writer, ActorError value, JsonSerializerOptions options) => Write(writer, value, null);

    /// <summary>Writes the error as clients see it.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="error">The actor's error.</param>
    /// <param name="redPool">The active error of the actor's pool while that is red: the cause behind <c>no_capacity</c>, written in its
    /// place as <c>{"runner_pool_error":…}</c>. Null while the pool is green.</param>
    public static void Write(Utf8JsonWriter writer, ActorError error, PoolError? redPool)
    {
        switch (error.Kind)
        {
            case ActorErrorKind.NoCapacity when redPool is not null:
                writer.WriteStartObject();
                writer.WritePropertyName("runner_pool_error"u8);
                PoolErrorJsonConverter.Write(writer, redPool);
                writer.WriteEndObject();
                break;
            case ActorErrorKind.NoCapacity:
                writer.WriteStringValue("no_capacity"u8);
                break;
            case ActorErrorKind.RunnerNoResponse:
                WriteMember(writer, "runner_no_response"u8, "runner_id"u8, error.RunnerId);
                break;
            case ActorErrorKind.RunnerConnectionLost:
                WriteMember(writer, "runner_connection_lost"u8, "runner_id"u8, error.RunnerId);
                break;
            case ActorErrorKind.RunnerDrainingTimeout:
                WriteMember(writer, "runner_draining_timeout"u8, "runner_id"u8, error.RunnerId);
                break;
            case ActorErrorKind.Crashed:
                WriteMember(writer, "crashed"u8, "message"u8, error.Message);
                break;
            default:
                writer.WriteStringValue("internal_error"u8);
                break;
        }
    }

    private static void WriteMember(Utf8JsonWriter writer, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> member, string? value)
    {
        writer.WriteStartObject();
        writer.WriteStartObject(kind);
        writer.WriteString(member, value ?? "");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static ActorError OfRunner(ref Utf8JsonReader reader, ActorErrorKind error, string kind)
        => new(error, RunnerId: VariantReader.OnlyText(ref reader, kind, "runner_id"));

    private static JsonException Unknown(string kind) => new(
        $"actor error: unknown kind '{VariantReader.Shorten(kind)}'; known are no_capacity, runner_no_response, runner_connection_lost, "
        + "runner_draining_timeout, crashed, internal_error");
}
