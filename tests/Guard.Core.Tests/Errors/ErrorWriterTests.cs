using System.Text.Json;
using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Guard.Core.Tests.Errors;

public class ErrorWriterTests
{
    private static readonly PoolHealthSnapshot Red = new(
        new PoolId("ns", "pool"),
        1,
        1,
        true,
        new ActivePoolError(new PoolError(PoolErrorKind.ServerlessHttpError, 500, "secret body"), 1000, 1),
        0,
        1234);

    [Fact]
    public async Task Write_Plain_HasStatusHeadersAndBody()
    {
        var context = Context();

        var body = await WriteAsync(context, GuardErrors.ActorNotFound());

        Assert.Equal(404, context.Response.StatusCode);
        Assert.Equal("application/json", context.Response.ContentType);
        Assert.Equal("actor.not_found", context.Response.Headers["x-rivet-error"]);
        Assert.Equal("ray-1", context.Response.Headers["x-rivet-ray-id"]);
        Assert.Equal("no-store", context.Response.Headers.CacheControl);
        Assert.Equal("nosniff", context.Response.Headers.XContentTypeOptions);
        Assert.Equal(0, context.Response.Headers.RetryAfter.Count);
        Assert.Equal(0, context.Response.Headers.Connection.Count);
        Assert.Equal("""{"group":"actor","code":"not_found","message":"The actor does not exist."}""", body);
        Assert.Equal(body.Length, context.Response.ContentLength);
    }

    [Fact]
    public async Task Write_AcceptsProblem_HasTheMembersOfRfc9457()
    {
        var context = Context();
        context.Request.Headers.Accept = "application/problem+json";

        var body = await WriteAsync(context, GuardErrors.RateLimit(TimeSpan.FromSeconds(3), 10, "requests"));

        Assert.Equal("application/problem+json", context.Response.ContentType);
        Assert.Equal(
            """{"type":"urn:guard:error:guard.rate_limit","title":"Too many requests from this client.","status":429,"group":"guard","code":"rate_limit","message":"Too many requests from this client.","metadata":{"limit":10,"scope":"requests","retry_after_ms":3000}}""",
            body);
    }

    [Theory]
    [InlineData(-5, "1", 1)]
    [InlineData(0, "1", 1)]
    [InlineData(0.4, "1", 1)]
    [InlineData(350, "1", 350)]
    [InlineData(1000, "1", 1000)]
    [InlineData(1000.2, "2", 1001)]
    [InlineData(61_001, "62", 61_001)]
    public async Task Write_RetryAfter_IsRoundedUpAndAtLeastOne(double milliseconds, string header, long metadata)
    {
        var context = Context();

        var body = await WriteAsync(context, GuardErrors.RateLimit(TimeSpan.FromMilliseconds(milliseconds), 10, "requests"));

        Assert.Equal(header, context.Response.Headers.RetryAfter);
        Assert.Equal(metadata, Json(body).GetProperty("metadata").GetProperty("retry_after_ms").GetInt64());
    }

    [Fact]
    public async Task Write_Head_HasHeadersButNoBody()
    {
        var context = Context();
        context.Request.Method = "HEAD";

        Assert.Equal("", await WriteAsync(context, GuardErrors.ServiceUnavailable(null, TimeSpan.Zero)));
        Assert.Equal(503, context.Response.StatusCode);
        Assert.Equal("guard.service_unavailable", context.Response.Headers["x-rivet-error"]);
        Assert.Equal("1", context.Response.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("HTTP/1.1", "close")]
    [InlineData("HTTP/1.0", "close")]
    [InlineData("HTTP/2", "")]
    [InlineData("HTTP/3", "")]
    public async Task Write_CloseConnection_IsSaidOnlyWhereHttpHasIt(string protocol, string connection)
    {
        var context = Context();
        context.Request.Protocol = protocol;

        await WriteAsync(context, GuardErrors.InvalidFraming("both"));

        Assert.Equal(connection, context.Response.Headers.Connection.ToString());
    }

    [Fact]
    public async Task Write_CorsHeadersOfTheGateway_Stay()
    {
        var context = Context();
        context.Response.Headers.AccessControlAllowOrigin = "*";

        await WriteAsync(context, GuardErrors.ActorNotFound());

        Assert.Equal("*", context.Response.Headers.AccessControlAllowOrigin);
    }

    [Fact]
    public async Task Write_RedPool_ShowsTypeAndStatusOnly()
    {
        var body = await WriteAsync(Context(), GuardErrors.ActorRunnerFailed("a1", Red, TimeSpan.FromSeconds(2)));

        Assert.Equal(
            """{"actor_id":"a1","namespace":"ns","pool":"pool","since":1234,"pool_error":{"type":"serverless_http_error","status_code":500},"retry_after_ms":2000}""",
            Json(body).GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task Write_RedPoolWithExposeErrors_ShowsItsWords()
    {
        var body = await WriteAsync(Context(expose: true), GuardErrors.ActorRunnerFailed("a1", Red, TimeSpan.FromSeconds(2)));

        Assert.Equal(
            """{"type":"serverless_http_error","status_code":500,"body":"secret body"}""",
            Json(body).GetProperty("metadata").GetProperty("pool_error").GetRawText());
    }

    [Theory]
    [InlineData(false, """{"type":"serverless_invalid_sse_payload"}""")]
    [InlineData(true, """{"type":"serverless_invalid_sse_payload","message":"m","raw_payload":"p"}""")]
    public async Task Write_PoolErrorWithoutStatus_ShowsItsType(bool expose, string expected)
    {
        var health = Red with { ActiveError = new(new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: "m", RawPayload: "p"), 1, 1) };

        var body = await WriteAsync(Context(expose), GuardErrors.ActorRunnerFailed("a1", health, TimeSpan.FromSeconds(2)));

        Assert.Equal(expected, Json(body).GetProperty("metadata").GetProperty("pool_error").GetRawText());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_Exception_LeavesOnlyWithExposeErrors(bool expose)
    {
        var body = await WriteAsync(Context(expose), GuardErrors.Internal("at Secret.Stack()"));

        Assert.Equal(expose, body.Contains("Secret", StringComparison.Ordinal));
        Assert.Equal(expose, Json(body).TryGetProperty("metadata", out _));
    }

    [Fact]
    public async Task Write_UpstreamError_KeepsItsPhaseWithoutTheException()
    {
        var body = await WriteAsync(Context(), GuardErrors.UpstreamError("request", "10.0.0.1 refused"));

        Assert.Equal("""{"phase":"request"}""", Json(body).GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task Write_CrashedActor_IsCutAndEscaped()
    {
        var crash = new ActorError(ActorErrorKind.Crashed, Message: "a\r\n\0<é>\ud800" + new string('x', 1000));

        var body = await WriteAsync(Context(), GuardErrors.ActorFailed("a1", crash));

        Assert.All(body, c => Assert.InRange(c, ' ', '~'));
        var message = Json(body).GetProperty("metadata").GetProperty("error").GetProperty("crashed").GetProperty("message").GetString()!;
        Assert.StartsWith("a\r\n\0<é>\ufffd", message, StringComparison.Ordinal);
        Assert.Equal(512, System.Text.Encoding.UTF8.GetByteCount(message));
    }

    [Fact]
    public async Task Write_HostileHostAndPath_AreEscaped()
    {
        var body = await WriteAsync(Context(), GuardErrors.NoRoute("a\"b", "/</script>\ud83d"));

        var metadata = Json(body).GetProperty("metadata");
        Assert.Equal("a\"b", metadata.GetProperty("host").GetString());
        Assert.Equal("/</script>\ufffd", metadata.GetProperty("path").GetString());
        Assert.DoesNotContain("<", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_EveryMember_IsSnakeCase()
    {
        var error = GuardErrors.ActorNotFound() with
        {
            Metadata = new ErrorMetadata
            {
                Host = "h",
                Path = "p",
                Detail = "d",
                Name = "n",
                ActorId = "a",
                Namespace = "ns",
                Pool = "po",
                Since = 1,
                PoolError = new PoolError(PoolErrorKind.Downgrade),
                Error = new ActorError(ActorErrorKind.NoCapacity),
                WaitedMs = 2,
                Limit = 3,
                Scope = "s",
                Phase = "ph",
                Attempts = 4,
                LastError = "l",
                Exception = "e",
            },
        };

        var body = await WriteAsync(Context(expose: true), error);

        Assert.Equal(
            """{"host":"h","path":"p","name":"n","detail":"d","actor_id":"a","namespace":"ns","pool":"po","since":1,"pool_error":{"type":"downgrade"},"error":"no_capacity","waited_ms":2,"limit":3,"scope":"s","phase":"ph","attempts":4,"last_error":"l","exception":"e"}""",
            Json(body).GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task Write_NoOptionsRegistered_ExposesNothing()
    {
        var context = Context();
        context.RequestServices = new ServiceCollection().BuildServiceProvider();

        Assert.DoesNotContain("stack", await WriteAsync(context, GuardErrors.Internal("stack")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_ResponseHasBegun_IsCutOff()
    {
        var context = Context();
        var lifetime = new Lifetime();
        context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
        context.Features.Set<IHttpResponseFeature>(new BegunResponse());

        await ErrorWriter.WriteAsync(context, GuardErrors.Internal(null));

        Assert.True(lifetime.Aborted);
        Assert.Equal(200, context.Response.StatusCode);
    }

    [Fact]
    public async Task Write_ClientGone_DoesNotThrow()
    {
        var context = Context();
        context.RequestAborted = new CancellationToken(true);

        await ErrorWriter.WriteAsync(context, GuardErrors.ActorNotFound());

        Assert.Equal(404, context.Response.StatusCode);
    }

    [Theory]
    [InlineData(123, false)]
    [InlineData(124, true)]
    public void CloseReason_LongRayId_IsCutTo123Bytes(int length, bool cut)
    {
        var ray = new string('r', length - "actor.not_found#".Length);

        var reason = WebSocketRefusal.Reason(GuardErrors.ActorNotFound(), ray);

        Assert.Equal(123, reason.Length);
        Assert.Equal(cut, reason != $"actor.not_found#{ray}");
    }

    private static DefaultHttpContext Context(bool expose = false) => new()
    {
        TraceIdentifier = "ray-1",
        Request = { Method = "GET", Protocol = "HTTP/1.1" },
        Response = { Body = new MemoryStream() },
        RequestServices = new ServiceCollection()
            .AddSingleton(new LiveOptions(new GuardOptions { ExposeErrors = expose }))
            .BuildServiceProvider(),
    };

    private static async Task<string> WriteAsync(HttpContext context, GuardError error)
    {
        await ErrorWriter.WriteAsync(context, error);
        await context.Response.CompleteAsync();
        return System.Text.Encoding.UTF8.GetString(((MemoryStream)context.Response.Body).ToArray());
    }

    private static JsonElement Json(string body) => JsonDocument.Parse(body).RootElement;

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public bool Aborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => Aborted = true;
    }

    private sealed class BegunResponse : HttpResponseFeature
    {
        public override bool HasStarted => true;
    }
}
