using System.Text;
using System.Text.Json;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge;

/// <summary>
/// Every entry of <c>tests/vectors/runner-replies.json</c>, sent by a runner: a reply that two readers could take for different ones gives
/// the client a 502 or an end in the middle, never something that looks whole.
/// </summary>
public sealed class RunnerReplyTests
{
    private static readonly JsonElement[] Corpus = Load();
    private static readonly Lazy<Task<EdgeGuard>> Shared = new(StartAsync);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Broken() => [.. Corpus.Where(e => !e.TryGetProperty("status", out _)).Select(Id)];

    public static TheoryData<string> Whole() => [.. Corpus.Where(e => e.TryGetProperty("status", out _)).Select(Id)];

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Reply_Broken_NothingThatLooksWhole(string id)
    {
        var edge = await Shared.Value.WaitAsync(Token);

        var bytes = await edge.SendAsync($"GET /gateway/{{actor}}/{id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token);

        if (bytes.Length == 0)
        {
            // Cut off before anything was sent.
            return;
        }

        if (StrictHttp1.TryReadReplies(bytes, out var replies))
        {
            var reply = Assert.Single(replies);
            Assert.Equal((502, "guard.upstream_error"), (reply.Status, reply.Error));
            Assert.Empty(reply.Values("set-cookie"));
            Assert.Contains("\"phase\":\"response\"", reply.BodyText, StringComparison.Ordinal);
        }
        else
        {
            // Cut off in the middle of the body: the head was good.
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public async Task Reply_Whole_PassesAndNothingOfItReachesTheNext(string id)
    {
        var edge = await Shared.Value.WaitAsync(Token);
        var entry = Corpus.Single(e => Id(e) == id);

        var bytes = await edge.SendAsync(
            $"GET /gateway/{{actor}}/{id} HTTP/1.1\r\nHost: a\r\n\r\nGET /gateway/{{actor}}/good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token);

        Assert.True(StrictHttp1.TryReadReplies(bytes, out var replies), Encoding.Latin1.GetString(bytes));
        Assert.Equal(
            [(entry.GetProperty("status").GetInt32(), entry.GetProperty("body").GetString()!), (200, "good")],
            replies.Select(r => (r.Status, r.BodyText)));
    }

    [Fact]
    public async Task Reply_HeadersWithoutEnd_502AndMemoryStaysFlat()
    {
        var edge = await Shared.Value.WaitAsync(Token);
        var before = edge.Process.ResidentBytes;

        for (var i = 0; i < 4; i++)
        {
            var bytes = await edge.SendAsync("GET /gateway/{actor}/endless-headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token);
            Assert.StartsWith("HTTP/1.1 502 ", Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
            bytes = await edge.SendAsync("GET /gateway/{actor}/endless-1xx HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Token);
            Assert.StartsWith("HTTP/1.1 502 ", Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        }

        Assert.InRange(edge.Process.ResidentBytes - before, long.MinValue, 64 * 1024 * 1024);
    }

    [Theory]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\n")]
    [InlineData("Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")]
    public async Task Handshake_101ThatDoesNotAnswerIt_ClientIsNotUpgraded(string headers)
    {
        await using var edge = await EdgeGuard.StartAsync([], Token);
        edge.Runner.OnRequest = async (_, _, stream, token) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\n{headers}\r\nevil"), token);
            return false;
        };

        var bytes = await edge.SendAsync(
            "GET /gateway/{actor}/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            Token);

        // Guard's own close: 1011 with the reason, and none of the runner's bytes.
        var reply = Encoding.Latin1.GetString(bytes);
        Assert.StartsWith("HTTP/1.1 101 ", reply, StringComparison.Ordinal);
        Assert.Contains("x-rivet-error: guard.upstream_error", reply, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("guard.upstream_error#", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", reply, StringComparison.Ordinal);
    }

    private static async Task<EdgeGuard> StartAsync()
    {
        var edge = await EdgeGuard.StartAsync([], CancellationToken.None);
        edge.Runner.OnRequest = async (request, number, stream, token) =>
        {
            var id = request.Target[1..];
            if (id is "endless-headers" or "endless-1xx")
            {
                await SendWithoutEndAsync(stream, id == "endless-headers", token);
                return false;
            }

            var entry = Corpus.SingleOrDefault(e => Id(e) == id);
            var reply = entry.ValueKind == JsonValueKind.Undefined ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" : entry.GetProperty("reply").GetString()!;
            await stream.WriteAsync(Encoding.Latin1.GetBytes(reply), token);
            return entry.ValueKind == JsonValueKind.Undefined || entry.TryGetProperty("keep", out _);
        };
        return edge;
    }

    /// <summary>100 MB of header lines, or 1xx replies for as long as anybody takes them.</summary>
    private static async Task SendWithoutEndAsync(Stream stream, bool headers, CancellationToken cancellationToken)
    {
        var piece = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(
            headers ? "x-filler: 0123456789012345678901234567890123456789012345678901\r\n" : "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1000)));
        if (headers)
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray(), cancellationToken);
        }

        for (var sent = 0L; sent < 100_000_000; sent += piece.Length)
        {
            await stream.WriteAsync(piece, cancellationToken);
        }
    }

    private static string Id(JsonElement entry) => entry.GetProperty("id").GetString()!;

    private static JsonElement[] Load()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", "runner-replies.json"));
        return [.. JsonDocument.Parse(file).RootElement.EnumerateArray().Select(e => e.Clone())];
    }
}
