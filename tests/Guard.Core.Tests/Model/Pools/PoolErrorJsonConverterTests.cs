using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Model.Pools;

public class PoolErrorJsonConverterTests
{
    public static TheoryData<string, object> Shapes => new()
    {
        { """{"serverless_http_error":{"status_code":500,"body":"oops"}}""", new PoolError(PoolErrorKind.ServerlessHttpError, 500, "oops") },
        { "\"serverless_stream_ended_early\"", new PoolError(PoolErrorKind.ServerlessStreamEndedEarly) },
        { """{"serverless_connection_error":{"message":"refused"}}""", new PoolError(PoolErrorKind.ServerlessConnectionError, Message: "refused") },
        { """{"serverless_invalid_sse_payload":{"message":"bad","raw_payload":"xyz"}}""", new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "bad", RawPayload: "xyz") },
        { """{"serverless_invalid_sse_payload":{"message":"bad"}}""", new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "bad") },
        { "\"downgrade\"", new PoolError(PoolErrorKind.Downgrade) },
        { "\"internal_error\"", new PoolError(PoolErrorKind.InternalError) },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void WriteAndRead_EachShape_RoundTrips(string json, object error)
    {
        Assert.Equal(json, JsonSerializer.Serialize((PoolError)error, ErrorsContext.Default.PoolError));
        Assert.Equal(error, JsonSerializer.Deserialize(json, ErrorsContext.Default.PoolError));
    }

    [Theory]
    [InlineData("\"other\"", "other")]
    [InlineData("42", "pool error")]
    [InlineData("[]", "pool error")]
    [InlineData("true", "pool error")]
    [InlineData("{}", "pool error")]
    [InlineData("\"serverless_http_error\"", "serverless_http_error")]
    [InlineData("""{"downgrade":{}}""", "downgrade")]
    [InlineData("""{"other":{}}""", "other")]
    [InlineData("""{"serverless_http_error":null}""", "serverless_http_error")]
    [InlineData("""{"serverless_http_error":"x"}""", "serverless_http_error")]
    [InlineData("""{"serverless_http_error":{}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":500}}""", "serverless_http_error.body")]
    [InlineData("""{"serverless_http_error":{"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":"500","body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":500.5,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":99,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":1000,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":99999999999,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":null,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":500,"body":null}}""", "serverless_http_error.body")]
    [InlineData("""{"serverless_http_error":{"status_code":500,"body":{"x":[1]}}}""", "serverless_http_error.body")]
    [InlineData("""{"serverless_http_error":{"status_code":500,"status_code":500,"body":""}}""", "serverless_http_error.status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":500,"body":"","extra":1}}""", "serverless_http_error.extra")]
    [InlineData("""{"serverless_http_error":{"Status_code":500,"body":""}}""", "serverless_http_error.Status_code")]
    [InlineData("""{"serverless_http_error":{"status_code":500,"body":""},"x":1}""", "pool error")]
    [InlineData("""{"serverless_connection_error":{}}""", "serverless_connection_error.message")]
    [InlineData("""{"serverless_connection_error":{"message":1}}""", "serverless_connection_error.message")]
    [InlineData("""{"serverless_connection_error":{"message":"","message":""}}""", "serverless_connection_error.message")]
    [InlineData("""{"serverless_connection_error":{"message":"","raw_payload":""}}""", "serverless_connection_error.raw_payload")]
    [InlineData("""{"serverless_connection_error":{"message":"\ud800"}}""", "serverless_connection_error.message")]
    [InlineData("""{"serverless_invalid_sse_payload":{"raw_payload":"x"}}""", "serverless_invalid_sse_payload.message")]
    [InlineData("""{"serverless_invalid_sse_payload":{"message":"x","raw_payload":1}}""", "serverless_invalid_sse_payload.raw_payload")]
    [InlineData("""{"serverless_invalid_sse_payload":{"message":"x","raw_payload":null,"raw_payload":"y"}}""", "serverless_invalid_sse_payload.raw_payload")]
    public void Read_NotOneOfTheShapes_NamesTheField(string json, string field)
    {
        var exception = Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(json, ErrorsContext.Default.PoolError));

        Assert.Contains(field, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PayloadNull_IsAbsent()
    {
        var error = JsonSerializer.Deserialize("""{"serverless_invalid_sse_payload":{"raw_payload":null,"message":"m"}}""", ErrorsContext.Default.PoolError);

        Assert.Equal(new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "m"), error);
    }

    [Fact]
    public void Read_InvalidUtf8_IsAJsonException()
    {
        byte[] json = [.. "{\"serverless_connection_error\":{\"message\":\""u8, 0xFF, .. "\"}}"u8];

        var exception = Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(json, ErrorsContext.Default.PoolError));

        Assert.Contains("serverless_connection_error.message", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LongUnknownKind_IsShortenedInTheMessage()
    {
        var exception = Assert.ThrowsAny<JsonException>(
            () => JsonSerializer.Deserialize($"\"{new string('x', 10_000)}\"", ErrorsContext.Default.PoolError));

        Assert.InRange(exception.Message.Length, 1, 400);
    }

    [Theory]
    [InlineData("{\"serverless_http_error\":{\"status_code\":500")]
    [InlineData("{\"serverless_http_error\":")]
    [InlineData("{")]
    public void Read_Truncated_IsAJsonException(string json)
        => Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(Encoding.UTF8.GetBytes(json), ErrorsContext.Default.PoolError));

    [Fact]
    public void Read_InsideAnotherType_StandsAtTheRightPlaceAfterwards()
    {
        const string json = """[{"serverless_http_error":{"status_code":503,"body":"a"}},"downgrade",{"serverless_connection_error":{"message":"b"}}]""";

        var errors = JsonSerializer.Deserialize(json, ErrorsContext.Default.ListPoolError)!;

        Assert.Equal([PoolErrorKind.ServerlessHttpError, PoolErrorKind.Downgrade, PoolErrorKind.ServerlessConnectionError], errors.Select(e => e.Kind));
    }
}

/// <summary>As production declares its types: source-generated, no reflection.</summary>
[JsonSerializable(typeof(PoolError))]
[JsonSerializable(typeof(List<PoolError>))]
[JsonSerializable(typeof(ActorError))]
internal sealed partial class ErrorsContext : JsonSerializerContext;
