using System.Text.Json;
using Guard.Model.Pools;

namespace Guard.Control.Input;

/// <summary>Reads the body of POST /pool-health/{pool}/errors: a word, or an object with one member that names the kind.</summary>
internal static class PoolErrorInput
{
    private const string Allowed =
        "must be serverless_stream_ended_early, downgrade or internal_error as a text, or an object with exactly one member: "
        + "serverless_http_error {status_code, body}, serverless_connection_error {message} or serverless_invalid_sse_payload {message, raw_payload}";

    /// <summary>The error, uncut; null after an error of the input.</summary>
    public static PoolError? Read(JsonElement body, InputErrors errors)
    {
        if (body.ValueKind == JsonValueKind.String)
        {
            return body.GetString() switch
            {
                "serverless_stream_ended_early" => new PoolError(PoolErrorKind.ServerlessStreamEndedEarly),
                "downgrade" => new PoolError(PoolErrorKind.Downgrade),
                "internal_error" => new PoolError(PoolErrorKind.InternalError),
                _ => Refuse(errors),
            };
        }

        if (body.ValueKind != JsonValueKind.Object || body.GetPropertyCount() != 1)
        {
            return Refuse(errors);
        }

        var member = body.EnumerateObject().Single();
        if (member.Name is not ("serverless_http_error" or "serverless_connection_error" or "serverless_invalid_sse_payload"))
        {
            return Refuse(errors);
        }

        var fields = new JsonFields(member.Value, member.Name, errors);
        var error = member.Name switch
        {
            "serverless_http_error" => new PoolError(
                PoolErrorKind.ServerlessHttpError,
                fields.Integer("status_code", 100, 999),
                fields.Text("body", TextRule.Message)),
            "serverless_connection_error" => new PoolError(
                PoolErrorKind.ServerlessConnectionError,
                Message: fields.Text("message", TextRule.Message)),
            _ => new PoolError(
                PoolErrorKind.ServerlessInvalidSsePayload,
                Message: fields.Text("message", TextRule.Message),
                RawPayload: fields.OptionalText("raw_payload", TextRule.Message)),
        };
        fields.End();
        return error;
    }

    private static PoolError? Refuse(InputErrors errors)
    {
        errors.Add("", Allowed);
        return null;
    }
}
