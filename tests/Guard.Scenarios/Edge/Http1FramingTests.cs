using System.Text.Json;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge;

/// <summary>
/// Every entry of <c>tests/vectors/http1-framing.json</c>, byte by byte, against the real binary with a recording runner behind it. Refused:
/// one error, the connection closed, nothing at the runner, and what was sent behind it not even looked at.
/// </summary>
public sealed class Http1FramingTests
{
    private const string Smuggled = "GET /gateway/{actor}/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    private static readonly JsonElement[] Corpus = Load();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Refused() => Ids("refused");

    public static TheoryData<string> Forwarded() => Ids("forwarded");

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Send_Refused_NothingReachesTheRunner(string id)
    {
        var edge = await EdgeGuard.SharedAsync(Token);
        var entry = Entry(id);
        var client = ClientAddress.Next();

        var bytes = await edge.SendAsync(entry.GetProperty("send").GetString() + Smuggled, Token, client);

        Assert.Empty(edge.SeenFrom(client));
        Assert.Empty(edge.Runner.Garbage);
        if (entry.GetProperty("refused") is not { ValueKind: JsonValueKind.Number } status)
        {
            // Answered in another protocol's words.
            return;
        }

        Assert.True(StrictHttp1.TryReadReplies(bytes, out var replies), System.Text.Encoding.Latin1.GetString(bytes));
        var reply = Assert.Single(replies);
        Assert.Equal(status.GetInt32(), reply.Status);
        Assert.True(reply.ClosesConnection);
        if (reply.Error is null)
        {
            Assert.Empty(reply.Body);
        }
    }

    [Theory]
    [MemberData(nameof(Forwarded))]
    public async Task Send_Forwarded_RunnerSeesTheSameRequest(string id)
    {
        var edge = await EdgeGuard.SharedAsync(Token);
        var entry = Entry(id);
        var client = ClientAddress.Next();

        var bytes = await edge.SendAsync(entry.GetProperty("send").GetString()!, Token, client);

        var expected = entry.GetProperty("forwarded");
        Assert.StartsWith("HTTP/1.1 200 ", System.Text.Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
        var seen = Assert.Single(edge.SeenFrom(client));
        Assert.Equal(expected.GetProperty("line").GetString(), $"{seen.Method} {seen.Target} {seen.Version}");
        Assert.Equal(expected.GetProperty("body").GetString(), seen.BodyText);
        Assert.True(seen.IsComplete);
        if (expected.TryGetProperty("headers", out var headers))
        {
            foreach (var header in headers.EnumerateObject())
            {
                Assert.Equal(header.Value.EnumerateArray().Select(v => edge.Fill(v.GetString()!)), seen.Values(header.Name));
            }
        }

        if (expected.TryGetProperty("count", out var counts))
        {
            foreach (var count in counts.EnumerateObject())
            {
                Assert.Equal(count.Value.GetInt32(), seen.Values(count.Name).Length);
            }
        }
    }

    [Fact]
    public void Load_File_HasTheWholeCorpus()
    {
        Assert.True(Refused().Count > 150 && Forwarded().Count > 25, $"{Refused().Count} refused, {Forwarded().Count} forwarded");
        Assert.Equal(Corpus.Length, Corpus.Select(e => e.GetProperty("id").GetString()).Distinct().Count());
    }

    private static JsonElement Entry(string id) => Corpus.Single(e => e.GetProperty("id").GetString() == id);

    private static TheoryData<string> Ids(string kind)
        => [.. Corpus.Where(e => e.TryGetProperty(kind, out _)).Select(e => e.GetProperty("id").GetString()!)];

    private static JsonElement[] Load()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", "http1-framing.json"));
        return [.. JsonDocument.Parse(file).RootElement.EnumerateArray().Select(e => e.Clone())];
    }
}
