using System.Text.Json.Serialization;
using Guard.Model.Text;

namespace Guard.Model.Pools;

/// <summary>What kind of failure a pool reported; the JSON names are those of Rivet.</summary>
internal enum PoolErrorKind
{
    ServerlessHttpError,
    ServerlessStreamEndedEarly,
    ServerlessConnectionError,
    ServerlessInvalidSsePayload,
    Downgrade,
    InternalError,
}

/// <summary>
/// A failure of a pool as a whole. Immutable. JSON: <c>{"serverless_http_error":{"status_code","body"}}</c>,
/// <c>"serverless_stream_ended_early"</c>, <c>{"serverless_connection_error":{"message"}}</c>,
/// <c>{"serverless_invalid_sse_payload":{"message","raw_payload"?}}</c>, <c>"downgrade"</c>, <c>"internal_error"</c>.
/// </summary>
/// <param name="Kind">Which failure.</param>
/// <param name="StatusCode">Only with <see cref="PoolErrorKind.ServerlessHttpError"/>.</param>
/// <param name="Message">The body of an HTTP error, or the message of the others; null where the kind has none.</param>
/// <param name="RawPayload">Only with <see cref="PoolErrorKind.ServerlessInvalidSsePayload"/>.</param>
[JsonConverter(typeof(PoolErrorJsonConverter))]
internal sealed record PoolError(PoolErrorKind Kind, int? StatusCode = null, string? Message = null, string? RawPayload = null)
{
    /// <summary>The error with message and payload each cut to at most <paramref name="maxBytes"/> bytes of UTF-8, never inside a
    /// character; the same instance when both fit.</summary>
    public PoolError Truncate(int maxBytes)
    {
        var message = Utf8Prefix.Of(Message, maxBytes);
        var payload = Utf8Prefix.Of(RawPayload, maxBytes);
        return ReferenceEquals(message, Message) && ReferenceEquals(payload, RawPayload)
            ? this
            : this with { Message = message, RawPayload = payload };
    }
}
