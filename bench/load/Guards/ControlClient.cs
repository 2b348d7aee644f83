using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Guard.Load.Guards;

/// <summary>As much of the control API as load tests need.</summary>
/// <param name="url">Of the control endpoint.</param>
/// <param name="token">Bearer token; null without.</param>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as the process it talks to")]
internal sealed class ControlClient(Uri url, string? token)
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 })
    {
        BaseAddress = url,
        DefaultRequestHeaders = { Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token) },
    };

    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            using var reply = await _http.GetAsync("readyz", cancellationToken);
            if (reply.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }

        throw new LoadException("Guard is not ready after 20 s");
    }

    public Task PutPoolAsync(string pool, CancellationToken cancellationToken)
        => CallAsync(HttpMethod.Put, $"runner-configs/{pool}?namespace=default", """{"datacenters":{"default":{"normal":{}}}}""", cancellationToken);

    public Task DeletePoolAsync(string pool, CancellationToken cancellationToken)
        => CallAsync(HttpMethod.Delete, $"runner-configs/{pool}?namespace=default", null, cancellationToken);

    /// <summary>Registers a runner and gives back its id; sends its heartbeats until the run is over.</summary>
    public Task<string> PutRunnerAsync(string pool, string endpoint, int slots, CancellationToken cancellationToken)
        => PutRunnerAsync(pool, $"{pool}-load", endpoint, slots, cancellationToken);

    /// <summary>The same for one of several runners of a pool, told apart by their keys.</summary>
    public async Task<string> PutRunnerAsync(string pool, string key, string endpoint, int slots, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(HttpMethod.Post, "runners?namespace=default",
            $$"""{"name":"{{pool}}","key":"{{key}}","version":1,"endpoint":"{{endpoint}}","total_slots":{{slots}}}""", cancellationToken);
        var runnerId = reply.GetProperty("runner").GetProperty("runner_id").GetString()!;
        _ = RepeatAsync(() => CallAsync(HttpMethod.Post, $"runners/{runnerId}/heartbeat", null, cancellationToken), cancellationToken);
        return runnerId;
    }

    /// <summary>What Prometheus would ask for, until the run is over.</summary>
    public Task ScrapeAsync(CancellationToken cancellationToken)
        => RepeatAsync(() => MetricAsync("guard_requests_total", cancellationToken), cancellationToken);

    /// <summary>Creates an actor and gives back its id.</summary>
    public async Task<string> PutActorAsync(string pool, string name, string key, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(HttpMethod.Put, "actors?namespace=default",
            $$"""{"name":"{{name}}","key":"{{key}}","runner_name_selector":"{{pool}}","crash_policy":"sleep"}""", cancellationToken);
        return reply.GetProperty("actor").GetProperty("actor_id").GetString()!;
    }

    public Task ReportPoolErrorAsync(string pool, CancellationToken cancellationToken)
        => CallAsync(HttpMethod.Post, $"pool-health/{pool}/errors?namespace=default", """{"serverless_http_error":{"status_code":500,"body":"load test"}}""", cancellationToken);

    public Task ReadyAsync(string runnerId, string actorId, long generation, CancellationToken cancellationToken)
        => CallAsync(HttpMethod.Post, $"runners/{runnerId}/events",
            string.Create(CultureInfo.InvariantCulture, $$"""{"events":[{"actor_id":"{{actorId}}","generation":{{generation}},"event":"ready"}]}"""), cancellationToken);

    /// <summary>The sum of a metric over its labels.</summary>
    public async Task<double> MetricAsync(string name, CancellationToken cancellationToken)
    {
        var text = await _http.GetStringAsync("metrics", cancellationToken);
        return text.Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is ' ' or '{')
            .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until as many requests are held as the caller sent.</summary>
    public async Task WaitUntilHeldAsync(int count, CancellationToken cancellationToken)
    {
        var held = 0.0;
        for (var tries = 0; tries < 1200; tries++)
        {
            held = await MetricAsync("guard_held_requests", cancellationToken);
            if (held >= count)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        }

        throw new LoadException($"{held} of {count} requests are held after 2 minutes");
    }

    private static async Task RepeatAsync(Func<Task> call, CancellationToken cancellationToken)
    {
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(5), TimeProvider.System);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await call();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or LoadException)
        {
            // The run is over, or Guard is; then its numbers say so.
        }
    }

    private async Task<JsonElement> CallAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var reply = await _http.SendAsync(request, cancellationToken);
        var text = await reply.Content.ReadAsStringAsync(cancellationToken);
        return reply.IsSuccessStatusCode
            ? JsonDocument.Parse(text.Length > 0 ? text : "{}").RootElement
            : throw new LoadException($"{method} {path}: {(int)reply.StatusCode} {text}");
    }
}
