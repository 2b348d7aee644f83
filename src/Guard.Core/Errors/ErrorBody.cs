using System.Text.Json;
using Guard.Model.Actors;
using Guard.Model.Pools;
using Guard.Model.Text;

namespace Guard.Core.Errors;

/// <summary>The body of an error. Strings are escaped to ASCII by the writer, control characters and half surrogates included.</summary>
internal static class ErrorBody
{
    private static readonly ErrorMetadata Empty = new();

    /// <param name="writer">Where to.</param>
    /// <param name="error">What to write.</param>
    /// <param name="problem">Whether the members of RFC 9457 are added.</param>
    /// <param name="expose">Whether exception text and the words of pools are written.</param>
    /// <param name="maxErrorBytes">Longest message of an actor, in bytes of UTF-8.</param>
    public static void Write(Utf8JsonWriter writer, GuardError error, bool problem, bool expose, int maxErrorBytes)
    {
        writer.WriteStartObject();
        if (problem)
        {
            writer.WriteString("type"u8, $"urn:guard:error:{error.FullCode}");
            writer.WriteString("title"u8, error.Message);
            writer.WriteNumber("status"u8, error.Status);
        }

        writer.WriteString("group"u8, error.Group);
        writer.WriteString("code"u8, error.Code);
        writer.WriteString("message"u8, error.Message);
        if (error.RetryAfter is not null || HasMembers(error.Metadata, expose))
        {
            writer.WriteStartObject("metadata"u8);
            if (error.Metadata is { } metadata)
            {
                WriteMetadata(writer, metadata, expose, maxErrorBytes);
            }

            if (error.RetryAfter is { } retryAfter)
            {
                // At least 1: "now" would make a tight loop of clients that obey.
                writer.WriteNumber("retry_after_ms"u8, Math.Max(1, (long)Math.Ceiling(retryAfter.TotalMilliseconds)));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static bool HasMembers(ErrorMetadata? metadata, bool expose)
        => metadata is not null && (expose ? metadata : metadata with { Exception = null }) != Empty;

    private static void WriteMetadata(Utf8JsonWriter writer, ErrorMetadata metadata, bool expose, int maxErrorBytes)
    {
        WriteText(writer, "host"u8, metadata.Host);
        WriteText(writer, "path"u8, metadata.Path);
        WriteText(writer, "name"u8, metadata.Name);
        WriteText(writer, "detail"u8, metadata.Detail);
        WriteText(writer, "actor_id"u8, metadata.ActorId);
        WriteText(writer, "namespace"u8, metadata.Namespace);
        WriteText(writer, "pool"u8, metadata.Pool);
        WriteNumber(writer, "since"u8, metadata.Since);
        if (metadata.PoolError is { } poolError)
        {
            writer.WritePropertyName("pool_error"u8);
            WritePoolError(writer, poolError, expose);
        }

        if (metadata.Error is { } actorError)
        {
            writer.WritePropertyName("error"u8);
            var message = Utf8Prefix.Of(actorError.Message, maxErrorBytes);
            ActorErrorJsonConverter.Write(writer, actorError with { Message = message }, null);
        }

        WriteNumber(writer, "waited_ms"u8, metadata.WaitedMs);
        WriteNumber(writer, "limit"u8, metadata.Limit);
        WriteText(writer, "scope"u8, metadata.Scope);
        WriteText(writer, "phase"u8, metadata.Phase);
        WriteNumber(writer, "attempts"u8, metadata.Attempts);
        WriteText(writer, "last_error"u8, metadata.LastError);
        if (expose)
        {
            WriteText(writer, "exception"u8, metadata.Exception);
        }
    }

    /// <summary>The type, and what the endpoint answered as a number; its words only where errors are exposed.</summary>
    private static void WritePoolError(Utf8JsonWriter writer, PoolError error, bool expose)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, error.Kind.Name());
        WriteNumber(writer, "status_code"u8, error.StatusCode);
        if (expose)
        {
            WriteText(writer, error.Kind == PoolErrorKind.ServerlessHttpError ? "body"u8 : "message"u8, error.Message);
            WriteText(writer, "raw_payload"u8, error.RawPayload);
        }

        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }
}
