using System.Text;
using System.Text.Json;
using Guard.Core.Tests.Model.Pools;
using Guard.Model.Actors;
using Guard.Model.Pools;

namespace Guard.Core.Tests.Model.Actors;

public class ActorErrorJsonConverterTests
{
    public static TheoryData<string, object> Shapes => new()
    {
        { "\"no_capacity\"", new ActorError(ActorErrorKind.NoCapacity) },
        { """{"runner_no_response":{"runner_id":"r1"}}""", new ActorError(ActorErrorKind.RunnerNoResponse, "r1") },
        { """{"runner_connection_lost":{"runner_id":"r1"}}""", new ActorError(ActorErrorKind.RunnerConnectionLost, "r1") },
        { """{"runner_draining_timeout":{"runner_id":"r1"}}""", new ActorError(ActorErrorKind.RunnerDrainingTimeout, "r1") },
        { """{"crashed":{"message":"boom"}}""", new ActorError(ActorErrorKind.Crashed, Message: "boom") },
        { "\"internal_error\"", new ActorError(ActorErrorKind.InternalError) },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void WriteAndRead_EachShape_RoundTrips(string json, object error)
    {
        Assert.Equal(json, JsonSerializer.Serialize((ActorError)error, ErrorsContext.Default.ActorError));
        Assert.Equal(error, JsonSerializer.Deserialize(json, ErrorsContext.Default.ActorError));
    }

    [Theory]
    [InlineData("\"other\"", "other")]
    [InlineData("\"crashed\"", "crashed")]
    [InlineData("1", "actor error")]
    [InlineData("{}", "actor error")]
    [InlineData("""{"no_capacity":{}}""", "no_capacity")]
    [InlineData("""{"runner_pool_error":{}}""", "runner_pool_error")]
    [InlineData("""{"crashed":{}}""", "crashed.message")]
    [InlineData("""{"crashed":{"message":null}}""", "crashed.message")]
    [InlineData("""{"crashed":{"message":"a","x":1}}""", "crashed.x")]
    [InlineData("""{"runner_no_response":{"runner_id":5}}""", "runner_no_response.runner_id")]
    [InlineData("""{"runner_connection_lost":{"runner":"r"}}""", "runner_connection_lost.runner")]
    [InlineData("""{"runner_draining_timeout":[]}""", "runner_draining_timeout")]
    [InlineData("""{"crashed":{"message":"a"},"no_capacity":{}}""", "actor error")]
    public void Read_NotOneOfTheShapes_NamesTheField(string json, string field)
    {
        var exception = Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(json, ErrorsContext.Default.ActorError));

        Assert.Contains(field, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NoCapacityOfARedPool_IsThePoolError()
        => Assert.Equal(
            """{"runner_pool_error":{"serverless_http_error":{"status_code":502,"body":"b"}}}""",
            Written(new ActorError(ActorErrorKind.NoCapacity), new PoolError(PoolErrorKind.ServerlessHttpError, 502, "b")));

    [Fact]
    public void Write_OtherErrorOfARedPool_StaysItself()
        => Assert.Equal(
            """{"crashed":{"message":"m"}}""",
            Written(new ActorError(ActorErrorKind.Crashed, Message: "m"), new PoolError(PoolErrorKind.Downgrade)));

    private static string Written(ActorError error, PoolError redPool)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            ActorErrorJsonConverter.Write(writer, error, redPool);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
