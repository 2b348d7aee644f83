using System.Text.Json;
using Guard.Core.Request.Targets;
using Guard.Model.Ids;

namespace Guard.Core.Tests.Request.Targets;

/// <summary>The vectors, as far as the request alone decides them: what only a look-up can refuse has to parse.</summary>
public sealed class GatewayVectorTests
{
    private static readonly string[] DecidedElsewhere =
    [
        "actor.not_found", "datacenter.not_found", "namespace.not_found", "actor.no_runner_config_configured",
        "guard.request_body_too_large",
    ];

    private static readonly string K1 = ParsedTarget.A.ToString();

    public static TheoryData<string> Ids() => [.. Read().Select(vector => vector.GetProperty("id").GetString()!)];

    private static JsonElement[] Read()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "vectors", "gateway-requests.json");
        using var file = JsonDocument.Parse(File.ReadAllText(path));
        return [.. file.RootElement.EnumerateArray().Select(vector => vector.Clone())];
    }

    private static string Fill(string text) => text
        .Replace("{k1}", K1, StringComparison.Ordinal)
        .Replace("{K1-UPPER}", K1.ToUpperInvariant(), StringComparison.Ordinal)
        .Replace("{k1-first-char-percent-encoded}", $"%{(int)K1[0]:X2}{K1[1..]}", StringComparison.Ordinal)
        .Replace("{unknown}", ActorId.New(1).ToString(), StringComparison.Ordinal)
        .Replace("{elsewhere}", ActorId.New(2).ToString(), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Ids))]
    public void Parse_Vector_AnswersAsGuardDoes(string id)
    {
        var vector = Read().Single(v => v.GetProperty("id").GetString() == id);
        var expected = vector.GetProperty("guard");
        string? Header(string name)
            => vector.TryGetProperty("headers", out var headers) && headers.TryGetProperty(name, out var value)
                ? Fill(value.GetString()!)
                : null;

        var parsed = ParsedTarget.Of(new TargetRequest
        {
            RawTarget = Fill(vector.GetProperty("path").GetString()!),
            Host = "127.0.0.1:6420",
            Target = Header("x-rivet-target"),
            Actor = Header("x-rivet-actor"),
            Token = Header("x-rivet-token"),
            SkipReadyWait = Header("x-rivet-skip-ready-wait"),
        });

        var error = expected.TryGetProperty("error", out var code) ? code.GetString() : null;
        Assert.Equal(DecidedElsewhere.Contains(error) ? null : error, parsed.Code);
        if (parsed.Error is not null)
        {
            Assert.Equal(expected.GetProperty("status").GetInt32(), parsed.Error.Status);
        }

        if (expected.TryGetProperty("forwarded", out var forwarded))
        {
            Assert.Equal(Fill(forwarded.GetString()!), parsed.Forwarded);
        }
    }

    [Fact]
    public void Vectors_AreThere() => Assert.True(Read().Length >= 30);
}
