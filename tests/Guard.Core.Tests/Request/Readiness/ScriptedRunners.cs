using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Guard.Core.Transport.Connections;

namespace Guard.Core.Tests.Request.Readiness;

/// <summary>Plays every runner of a test behind the HTTP client: each host's answer to start is a script, and every call is recorded.</summary>
internal sealed class ScriptedRunners : HttpMessageHandler
{
    private readonly ConcurrentDictionary<string, Func<StartCall, CancellationToken, Task<HttpStatusCode>>> _scripts = new();

    public ConcurrentQueue<StartCall> Starts { get; } = new();

    public ConcurrentQueue<StopCall> Stops { get; } = new();

    public void OnStart(string host, Func<StartCall, CancellationToken, Task<HttpStatusCode>> script) => _scripts[host] = script;

    public void OnStart(string host, HttpStatusCode status) => OnStart(host, (_, _) => Task.FromResult(status));

    /// <summary>The runner never answers: only the caller's own deadline ends the call.</summary>
    public void HangOnStart(string host)
        => OnStart(host, async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return HttpStatusCode.OK;
        });

    public void RefuseConnections(string host)
        => OnStart(host, (_, _) => throw new RunnerUnreachableException("refused"));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath;
        using var body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
        var actor = path.Split('/')[3];
        var generation = body.RootElement.GetProperty("generation").GetInt64();
        if (path.EndsWith("/stop", StringComparison.Ordinal))
        {
            Stops.Enqueue(new(request.RequestUri.Host, actor, generation, body.RootElement.GetProperty("reason").GetString()!));
            return new(HttpStatusCode.OK);
        }

        var call = new StartCall(request.RequestUri.Host, actor, generation);
        Starts.Enqueue(call);
        var status = await (_scripts.TryGetValue(call.Host, out var script) ? script(call, cancellationToken) : Task.FromResult(HttpStatusCode.OK));
        return new(status);
    }
}

internal sealed record StartCall(string Host, string Actor, long Generation);

internal sealed record StopCall(string Host, string Actor, long Generation, string Reason);
