using Guard.Core.State.Serverless;
using Guard.TestSupport;

namespace Guard.Core.Tests.State.Serverless;

public sealed class MetadataClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"version":7}""", 7)]
    [InlineData("""{"runtime":"x","version":0,"more":[]}""", 0)]
    public async Task Read_Metadata_GivesTheVersion(string body, int version)
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: StartReplies.Status(200, body));

        Assert.Equal(new MetadataResult(version), await ReadAsync(endpoint.Url + "/"));
        Assert.Equal("GET /metadata HTTP/1.1", endpoint.Requests[0].RequestLine);
        Assert.Equal(["s3cret"], endpoint.Requests[0].Header("x-key"));
        Assert.False(endpoint.Requests[0].Has("x-rivet-token"));
    }

    [Theory]
    [InlineData(404, "no", nameof(MetadataFault.NonSuccessStatus), "answered 404; expected 200")]
    [InlineData(302, "", nameof(MetadataFault.NonSuccessStatus), "answered 302; expected 200")]
    [InlineData(200, "<html>", nameof(MetadataFault.InvalidResponseJson), "the reply is not JSON")]
    [InlineData(200, "", nameof(MetadataFault.InvalidResponseJson), "the reply is not JSON")]
    [InlineData(200, "[]", nameof(MetadataFault.InvalidResponseSchema), "the reply must be a JSON object with version, a whole number from 0 to 2147483647")]
    [InlineData(200, "{}", nameof(MetadataFault.InvalidResponseSchema), "the reply must be a JSON object with version, a whole number from 0 to 2147483647")]
    [InlineData(200, """{"version":"1"}""", nameof(MetadataFault.InvalidResponseSchema), "the reply must be a JSON object with version, a whole number from 0 to 2147483647")]
    public async Task Read_WrongReply_SaysWhich(int status, string body, string fault, string message)
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: StartReplies.Status(status, body));

        Assert.Equal(new MetadataResult(null, Enum.Parse<MetadataFault>(fault), message), await ReadAsync(endpoint.Url));
    }

    [Fact]
    public async Task Read_EndlessReply_IsInvalidJson()
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: static async (connection, _) =>
        {
            await connection.SendAsync("HTTP/1.1 200 OK\r\n\r\n");
            for (var i = 0; i < 10_000; i++)
            {
                await connection.SendAsync(new byte[64 * 1024]);
            }
        });

        Assert.Equal(MetadataFault.InvalidResponseJson, (await ReadAsync(endpoint.Url)).Fault);
    }

    [Fact]
    public async Task Read_Hang_IsTimedOut()
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: StartReplies.Hang);
        using var calls = new ServerlessCalls();

        var reading = calls.Metadata.ReadAsync(endpoint.Url, new Dictionary<string, string>(), Token);
        await endpoint.NextAsync(Token);
        calls.Time.Advance(MetadataClient.Limit);

        Assert.Equal(new MetadataResult(null, MetadataFault.RequestTimedOut, "no whole reply within 5 s"), await reading);
    }

    [Fact]
    public async Task Read_NobodyListens_Failed()
        => Assert.Equal(
            new MetadataResult(null, MetadataFault.RequestFailed, "connection refused"), await ReadAsync($"http://127.0.0.1:{FreePort.Next()}"));

    [Theory]
    [InlineData("ftp://example.com")]
    [InlineData("http://169.254.169.254")]
    [InlineData("http://example.com?x=1")]
    public async Task Read_UrlThatMayNotBeCalled_IsInvalid(string url)
        => Assert.Equal(MetadataFault.InvalidRequest, (await ReadAsync(url)).Fault);

    [Fact]
    public async Task Read_CallerLeaves_Throws()
    {
        await using var endpoint = new ServerlessEndpoint(onMetadata: StartReplies.Hang);
        using var calls = new ServerlessCalls();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var reading = calls.Metadata.ReadAsync(endpoint.Url, new Dictionary<string, string>(), leave.Token);
        await endpoint.NextAsync(Token);
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private static async Task<MetadataResult> ReadAsync(string url)
    {
        using var calls = new ServerlessCalls();
        return await calls.Metadata.ReadAsync(url, new Dictionary<string, string> { ["x-key"] = "s3cret" }, Token);
    }
}
