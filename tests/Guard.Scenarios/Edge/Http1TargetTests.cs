using System.Text;
using System.Text.Json;
using Guard.Scenarios.Edge.Wire;

namespace Guard.Scenarios.Edge;

/// <summary>Every entry of <c>tests/vectors/http1-targets.json</c>: one decision about a target and its host, and then the same bytes at
/// the runner, or none.</summary>
public sealed class Http1TargetTests
{
    private static readonly JsonElement[] Corpus = Load();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Ids() => [.. Corpus.Select(e => e.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Send_Target_OneDecisionAndTheSameBytesOrNone(string id)
    {
        var edge = await EdgeGuard.SharedAsync(Token);
        var entry = Corpus.Single(e => e.GetProperty("id").GetString() == id);
        var client = ClientAddress.Next();
        var request = entry.GetProperty("send").GetString()!
            .Replace("{actor-encoded}", $"%{(int)edge.ActorId[0]:x2}{edge.ActorId[1..]}", StringComparison.Ordinal)
            .Replace("{ACTOR}", edge.ActorId.ToUpperInvariant(), StringComparison.Ordinal);

        var bytes = await edge.SendAsync(request, Token, client);

        Assert.True(StrictHttp1.TryReadReplies(bytes, out var replies), Encoding.Latin1.GetString(bytes));
        var reply = Assert.Single(replies);
        if (entry.TryGetProperty("forwarded", out var forwarded))
        {
            Assert.Equal(200, reply.Status);
            var seen = Assert.Single(edge.SeenFrom(client));
            Assert.Equal(forwarded.GetProperty("target").GetString(), seen.Target);
            if (forwarded.TryGetProperty("headers", out var headers))
            {
                foreach (var header in headers.EnumerateObject())
                {
                    Assert.Equal(header.Value.EnumerateArray().Select(v => v.GetString()), seen.Values(header.Name));
                }
            }

            return;
        }

        Assert.Empty(edge.SeenFrom(client));
        Assert.True(reply.ClosesConnection);
        Assert.Equal(entry.GetProperty("status").GetInt32(), reply.Status);
        if (entry.TryGetProperty("error", out var error))
        {
            Assert.Equal(error.GetString(), reply.Error);
        }
    }

    private static JsonElement[] Load()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", "http1-targets.json"));
        return [.. JsonDocument.Parse(file).RootElement.EnumerateArray().Select(e => e.Clone())];
    }
}
