using System.Net;
using System.Text.Json.Serialization.Metadata;

namespace Guard.Demo;

/// <summary>The calls of the control API that a runner and its operator make. Every call but <see cref="HeartbeatAsync"/> throws
/// <see cref="HttpRequestException"/>, with Guard's own answer in the message, when it is not 2xx. Thread-safe.</summary>
/// <param name="http">Its base address is the control endpoint; it carries the token, if there is one.</param>
/// <param name="namespace">The namespace of every call.</param>
internal sealed class ControlClient(HttpClient http, string @namespace)
{
    private readonly string _query = $"?namespace={Uri.EscapeDataString(@namespace)}";

    public async Task PutPoolAsync(string pool, string datacenter, DatacenterPool config, CancellationToken cancellationToken)
        => (await SendAsync(
            HttpMethod.Put,
            $"runner-configs/{pool}{_query}",
            new PoolConfigRequest(new() { [datacenter] = config }),
            DemoJson.Default.PoolConfigRequest,
            cancellationToken)).Dispose();

    /// <summary>Finds or creates the actor of that key; its id.</summary>
    public async Task<string> GetOrCreateActorAsync(string name, string key, string pool, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(
            HttpMethod.Put, $"actors{_query}", new ActorRequest(name, key, pool, "sleep"), DemoJson.Default.ActorRequest, cancellationToken);
        return (await ReadAsync(reply, DemoJson.Default.ActorReply, cancellationToken)).Actor.ActorId;
    }

    public async Task ReportPoolErrorAsync(string pool, int statusCode, string body, CancellationToken cancellationToken)
        => (await SendAsync(
            HttpMethod.Post,
            $"pool-health/{pool}/errors{_query}",
            new PoolErrorRequest(new(statusCode, body)),
            DemoJson.Default.PoolErrorRequest,
            cancellationToken)).Dispose();

    public async Task<RunnerReply> RegisterAsync(RunnerRequest runner, CancellationToken cancellationToken)
    {
        using var reply = await SendAsync(HttpMethod.Post, $"runners{_query}", runner, DemoJson.Default.RunnerRequest, cancellationToken);
        return await ReadAsync(reply, DemoJson.Default.RunnerReply, cancellationToken);
    }

    /// <summary>Null when the runner must register again.</summary>
    public async Task<HeartbeatReply?> HeartbeatAsync(string runnerId, CancellationToken cancellationToken)
    {
        using var reply = await http.PostAsync($"runners/{runnerId}/heartbeat", null, cancellationToken);
        if (reply.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowIfRefusedAsync(reply, cancellationToken);
        return await ReadAsync(reply, DemoJson.Default.HeartbeatReply, cancellationToken);
    }

    public async Task<OwnedActorsReply> GetOwnedActorsAsync(string runnerId, CancellationToken cancellationToken)
    {
        using var reply = await http.GetAsync($"runners/{runnerId}/actors", cancellationToken);
        await ThrowIfRefusedAsync(reply, cancellationToken);
        return await ReadAsync(reply, DemoJson.Default.OwnedActorsReply, cancellationToken);
    }

    public async Task ReportStoppedAsync(string runnerId, string actorId, long generation, CancellationToken cancellationToken)
        => (await SendAsync(
            HttpMethod.Post,
            $"runners/{runnerId}/events",
            new EventsRequest([new(actorId, generation, "stopped")]),
            DemoJson.Default.EventsRequest,
            cancellationToken)).Dispose();

    private async Task<HttpResponseMessage> SendAsync<T>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body, type) };
        var reply = await http.SendAsync(request, cancellationToken);
        await ThrowIfRefusedAsync(reply, cancellationToken);
        return reply;
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage reply, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        => await reply.Content.ReadFromJsonAsync(type, cancellationToken)
            ?? throw new HttpRequestException($"{reply.RequestMessage?.RequestUri} answered null");

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage reply, CancellationToken cancellationToken)
    {
        if (reply.IsSuccessStatusCode)
        {
            return;
        }

        var request = reply.RequestMessage;
        var body = await reply.Content.ReadAsStringAsync(cancellationToken);
        var status = reply.StatusCode;
        reply.Dispose();
        throw new HttpRequestException($"{request?.Method} {request?.RequestUri} answered {(int)status}: {body}", null, status);
    }
}
