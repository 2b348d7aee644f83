using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Model.Text;

namespace Guard.Model.Pools;

/// <summary>
/// Reads and writes <see cref="PoolError"/> in the control API's shapes. Strict on reading: an unknown kind or member, a member twice, a
/// wrong type or a missing member is a <see cref="JsonException"/> whose message names the field. No reflection.
/// </summary>
internal sealed class PoolErrorJsonConverter : JsonConverter<PoolError>
{
    private const int MinStatus = 100;
    private const int MaxStatus = 999;

    public override PoolError Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    private static PoolError Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var name = VariantReader.Text(ref reader, "pool error");
            return name switch
            {
                "serverless_stream_ended_early" => new PoolError(PoolErrorKind.ServerlessStreamEndedEarly),
                "downgrade" => new PoolError(PoolErrorKind.Downgrade),
                "internal_error" => new PoolError(PoolErrorKind.InternalError),
                "serverless_http_error" or "serverless_connection_error" or "serverless_invalid_sse_payload"
                    => throw new JsonException($"{name}: must be an object, {{\"{name}\":{{…}}}}"),
                _ => throw Unknown(name),
            };
        }

        var kind = VariantReader.Enter(ref reader, "pool error");
        var error = kind switch
        {
            "serverless_http_error" => ReadHttpError(ref reader, kind),
            "serverless_connection_error" => ReadConnectionError(ref reader, kind),
            "serverless_invalid_sse_payload" => ReadInvalidPayload(ref reader, kind),
            "serverless_stream_ended_early" or "downgrade" or "internal_error"
                => throw new JsonException($"{kind}: must be the plain string \"{kind}\""),
            _ => throw Unknown(kind),
        };
        VariantReader.Leave(ref reader, "pool error");
        return error;
    }

    /// <summary>Reads an error that a Guard has kept. A kind that this Guard does not know, which a newer one may have, is
    /// <see cref="PoolErrorKind.InternalError"/>; all else is as strict as what a client sends.</summary>
    /// <exception cref="JsonException">It is no pool error.</exception>
    public static PoolError ReadKept(ReadOnlySpan<byte> json)
    {
        var named = new Utf8JsonReader(json);
        if (named.Read() && (named.TokenType == JsonTokenType.String || (named.TokenType == JsonTokenType.StartObject && named.Read()))
            && named.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
            && !PoolErrorKinds.IsKnown(named.GetString()!))
        {
            return new(PoolErrorKind.InternalError);
        }

        var reader = new Utf8JsonReader(json);
        if (!reader.Read())
        {
            throw new JsonException("pool error: must be there");
        }

        var error = Read(ref reader);
        return reader.Read() ? throw new JsonException("pool error: must end there") : error;
    }

    public override void Write(Utf8JsonWriter writer, PoolError value, JsonSerializerOptions options) => Write(writer, value);

    public static void Write(Utf8JsonWriter writer, PoolError value)
    {
        var name = value.Kind.Name();
        if (value.Kind is PoolErrorKind.ServerlessStreamEndedEarly or PoolErrorKind.Downgrade or PoolErrorKind.InternalError)
        {
            writer.WriteStringValue(name);
            return;
        }

        writer.WriteStartObject();
        writer.WriteStartObject(name);
        if (value.Kind == PoolErrorKind.ServerlessHttpError)
        {
            writer.WriteNumber("status_code"u8, value.StatusCode ?? 0);
            writer.WriteString("body"u8, value.Message ?? "");
        }
        else
        {
            writer.WriteString("message"u8, value.Message ?? "");
            if (value.RawPayload is not null)
            {
                writer.WriteString("raw_payload"u8, value.RawPayload);
            }
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static PoolError ReadHttpError(ref Utf8JsonReader reader, string kind)
    {
        VariantReader.Open(ref reader, kind);
        int? status = null;
        string? body = null;
        while (VariantReader.NextMember(ref reader, kind, out var member))
        {
            var field = $"{kind}.{member}";
            switch (member)
            {
                case "status_code" when status is null:
                    status = VariantReader.Number(ref reader, field, MinStatus, MaxStatus);
                    break;
                case "body" when body is null:
                    body = VariantReader.Text(ref reader, field);
                    break;
                default:
                    throw VariantReader.Unexpected(field, member is "status_code" or "body");
            }
        }

        return new PoolError(
            PoolErrorKind.ServerlessHttpError,
            status ?? throw VariantReader.Missing($"{kind}.status_code"),
            body ?? throw VariantReader.Missing($"{kind}.body"));
    }

    private static PoolError ReadConnectionError(ref Utf8JsonReader reader, string kind)
        => new(PoolErrorKind.ServerlessConnectionError, Message: VariantReader.OnlyText(ref reader, kind, "message"));

    private static PoolError ReadInvalidPayload(ref Utf8JsonReader reader, string kind)
    {
        VariantReader.Open(ref reader, kind);
        string? message = null;
        string? payload = null;
        var payloadSeen = false;
        while (VariantReader.NextMember(ref reader, kind, out var member))
        {
            var field = $"{kind}.{member}";
            switch (member)
            {
                case "message" when message is null:
                    message = VariantReader.Text(ref reader, field);
                    break;
                case "raw_payload" when !payloadSeen:
                    payloadSeen = true;
                    payload = reader.TokenType == JsonTokenType.Null ? null : VariantReader.Text(ref reader, field);
                    break;
                default:
                    throw VariantReader.Unexpected(field, member is "message" or "raw_payload");
            }
        }

        return new PoolError(
            PoolErrorKind.ServerlessInvalidSsePayload,
            Message: message ?? throw VariantReader.Missing($"{kind}.message"),
            RawPayload: payload);
    }

    private static JsonException Unknown(string kind) => new(
        $"pool error: unknown kind '{VariantReader.Shorten(kind)}'; known are serverless_http_error, serverless_stream_ended_early, "
        + "serverless_connection_error, serverless_invalid_sse_payload, downgrade, internal_error");
}
