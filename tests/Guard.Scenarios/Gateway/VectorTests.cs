using System.Text.Json;

namespace Guard.Scenarios.Gateway;

/// <summary>Every request of <c>tests/vectors/gateway-requests.json</c>, sent to the real binary; what the runner saw is compared byte for byte.</summary>
public sealed class VectorTests
{
    private static readonly JsonElement[] Vectors = Load();

    public static TheoryData<string> Ids() => [.. Vectors.Select(v => v.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Send_Vector_AnswersAsTheContractSays(string id)
    {
        var token = TestContext.Current.CancellationToken;
        var gateway = await GatewayFixture.SharedAsync(token);
        var vector = Vectors.Single(v => v.GetProperty("id").GetString() == id);
        var expected = vector.GetProperty("guard");
        var path = gateway.Fill(vector.GetProperty("path").GetString()!);
        using var request = new HttpRequestMessage(
            new HttpMethod(vector.GetProperty("method").GetString()!),
            new Uri($"http://{gateway.Guard.Gateway.Authority}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (vector.TryGetProperty("headers", out var headers))
        {
            foreach (var header in headers.EnumerateObject())
            {
                request.Headers.TryAddWithoutValidation(header.Name, gateway.Fill(header.Value.GetString()!));
            }
        }

        if (vector.TryGetProperty("body_bytes", out var bytes))
        {
            request.Content = new ByteArrayContent(new byte[bytes.GetInt32()]);
        }

        using var response = await gateway.Guard.Client.SendAsync(request, token);
        var body = await response.Content.ReadAsStringAsync(token);

        Assert.Equal(expected.GetProperty("status").GetInt32(), (int)response.StatusCode);
        Assert.Single(response.Headers.GetValues("x-rivet-ray-id"));
        if (expected.TryGetProperty("error", out var error))
        {
            Assert.Equal(error.GetString(), response.Headers.GetValues("x-rivet-error").Single());
            var json = JsonElement.Parse(body);
            Assert.Equal(error.GetString(), $"{json.GetProperty("group").GetString()}.{json.GetProperty("code").GetString()}");
        }
        else
        {
            Assert.False(response.Headers.Contains("x-rivet-error"));
        }

        if (expected.TryGetProperty("forwarded", out var forwarded))
        {
            // The fixture's runner answers with the raw target it was sent.
            Assert.Equal(forwarded.GetString(), body);
        }
    }

    [Fact]
    public void Load_File_HasEveryVector() => Assert.True(Vectors.Length >= 30, $"only {Vectors.Length} vectors");

    private static JsonElement[] Load()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", "gateway-requests.json"));
        return [.. JsonDocument.Parse(file).RootElement.EnumerateArray().Select(e => e.Clone())];
    }
}
