using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Guard.TestSupport;

/// <summary>The control API as a test uses it: JSON text in, JSON out. Bodies are written out in each test on purpose: they are the
/// contract. Thread-safe.</summary>
internal sealed class ControlApi(Uri address) : IDisposable
{
    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Sends <paramref name="json"/> as it is, valid or not.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(method, path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }

        return Client.SendAsync(request, cancellationToken);
    }

    /// <summary>As <see cref="SendAsync"/>, for calls that must succeed: the body, or an undefined element when it has none.</summary>
    public async Task<JsonElement> CallAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(method, path, json, cancellationToken);
        var body = await reply.Content.ReadAsStringAsync(cancellationToken);
        return !reply.IsSuccessStatusCode ? throw new HttpRequestException($"{method} {path}: {(int)reply.StatusCode} {body}", null, reply.StatusCode)
            : body.Length == 0 ? default
            : JsonElement.Parse(body);
    }

    /// <summary>Makes a normal pool; <paramref name="guard"/> is the JSON of its overrides.</summary>
    public Task PutPoolAsync(string pool, CancellationToken cancellationToken, string? guard = null, string @namespace = "default")
        => CallAsync(
            HttpMethod.Put,
            $"runner-configs/{pool}?namespace={@namespace}",
            $$$$"""{"datacenters":{"default":{"normal":{}{{{{(guard is null ? "" : $",\"guard\":{guard}")}}}}}}}""",
            cancellationToken);

    /// <summary>Creates an actor; its id.</summary>
    public async Task<string> CreateActorAsync(
        string pool, CancellationToken cancellationToken, string? key = null, string name = "counter", string crashPolicy = "sleep", string @namespace = "default")
    {
        var reply = await CallAsync(
            HttpMethod.Post,
            $"actors?namespace={@namespace}",
            $$"""{"name":"{{name}}",{{(key is null ? "" : $"\"key\":\"{key}\",")}}"runner_name_selector":"{{pool}}","crash_policy":"{{crashPolicy}}"}""",
            cancellationToken);
        return reply.GetProperty("actor").GetProperty("actor_id").GetString()!;
    }

    /// <summary>The actor, destroyed or not; throws when it is unknown.</summary>
    public async Task<JsonElement> GetActorAsync(string actorId, CancellationToken cancellationToken, string @namespace = "default")
    {
        var reply = await CallAsync(
            HttpMethod.Get, $"actors?namespace={@namespace}&actor_ids={actorId}&include_destroyed=true", null, cancellationToken);
        return reply.GetProperty("actors").EnumerateArray().Single();
    }

    public Task ReportPoolErrorAsync(
        string pool, CancellationToken cancellationToken, string error = """{"serverless_http_error":{"status_code":500,"body":"boom"}}""", string @namespace = "default")
        => CallAsync(HttpMethod.Post, $"pool-health/{pool}/errors?namespace={@namespace}", error, cancellationToken);

    public Task ReportPoolSuccessAsync(string pool, CancellationToken cancellationToken, string @namespace = "default")
        => CallAsync(HttpMethod.Post, $"pool-health/{pool}/successes?namespace={@namespace}", null, cancellationToken);

    public void Dispose() => Client.Dispose();
}
