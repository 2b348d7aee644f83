using System.Globalization;
using System.Text.Json;

namespace Guard.TestSupport;

/// <summary>What one request got, and after how long.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">The <c>x-rivet-error</c>; empty where the actor answered.</param>
/// <param name="PoolError">The type in <c>metadata.pool_error</c>; null without one.</param>
/// <param name="Took">From sending to the whole reply.</param>
internal sealed record FaultAnswer(int Status, string Code, string? PoolError, TimeSpan Took);

/// <param name="Fault">What was broken.</param>
/// <param name="First">The request that finds it out.</param>
/// <param name="Next">Ten more, sent together, each for an actor of its own.</param>
/// <param name="ServedAfter">From the repair to the first request served; null where all were served all along.</param>
/// <param name="GreenAfter">From the repair to a green pool.</param>
/// <param name="ServedUntilGreen">Requests served from the repair until the pool was seen green.</param>
internal sealed record FaultOutcome(
    ServerlessFault Fault, FaultAnswer First, IReadOnlyList<FaultAnswer> Next, TimeSpan? ServedAfter = null, TimeSpan? GreenAfter = null, int ServedUntilGreen = 0);

/// <summary>Puts a pool with a broken endpoint behind a running Guard, asks for its actors, repairs it, and asks again.</summary>
internal sealed class ServerlessFaultRun(GuardProcess guard, string pool, ServerlessFault fault, int initTimeoutMs = 10_000)
{
    private const int NextRequests = 10;
    private static readonly TimeSpan RepairLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly TimeProvider _time = TimeProvider.System;
    private readonly int _port = FreePort.Next();
    private int _actors;

    public async Task<FaultOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var endpoint = fault.Endpoint(_port);
        try
        {
            await PutPoolAsync(fault.Url ?? endpoint?.Url ?? $"http://127.0.0.1:{_port}", cancellationToken);
            var first = await AskAsync(await NewActorAsync(cancellationToken), cancellationToken);
            var actors = new string[NextRequests];
            for (var i = 0; i < NextRequests; i++)
            {
                actors[i] = await NewActorAsync(cancellationToken);
            }

            var next = await Task.WhenAll(actors.Select(a => AskAsync(a, cancellationToken)));
            if (fault.PoolError is null)
            {
                return new(fault, first, next);
            }

            endpoint = await RepairAsync(endpoint, cancellationToken);
            var repaired = _time.GetTimestamp();
            var served = await UntilServedAsync(repaired, cancellationToken);
            var (green, requests) = await UntilGreenAsync(repaired, cancellationToken);
            return new(fault, first, next, served, green, requests);
        }
        finally
        {
            await guard.Control.CallAsync(HttpMethod.Delete, $"runner-configs/{pool}?namespace=default", null, CancellationToken.None);
            if (endpoint is not null)
            {
                await endpoint.DisposeAsync();
            }
        }
    }

    /// <summary>What was there works from now on, where it can; else the pool is given one that does.</summary>
    private async Task<ServerlessEndpoint> RepairAsync(ServerlessEndpoint? broken, CancellationToken cancellationToken)
    {
        if (broken is not null && !fault.IsUntrusted && fault.Url is null)
        {
            broken.OnMetadata = StartReplies.Metadata(1);
            broken.OnStart = StartReplies.Healthy;
            return broken;
        }

        if (broken is not null)
        {
            await broken.DisposeAsync();
        }

        var working = new ServerlessEndpoint(port: _port);
        if (!fault.IsAway)
        {
            await PutPoolAsync(working.Url, cancellationToken);
        }

        return working;
    }

    private async Task<TimeSpan> UntilServedAsync(long since, CancellationToken cancellationToken)
    {
        while ((await AskAsync(await NewActorAsync(cancellationToken), cancellationToken)).Status != 200)
        {
            Check(since, "a request served");
            await Task.Delay(Pause, _time, cancellationToken);
        }

        return _time.GetElapsedTime(since);
    }

    /// <summary>Requests are what brings the successes that a red pool needs. How long it took, and how many were served, the first one
    /// included.</summary>
    private async Task<(TimeSpan After, int Served)> UntilGreenAsync(long since, CancellationToken cancellationToken)
    {
        var served = 1;
        while (true)
        {
            var health = await guard.Control.CallAsync(HttpMethod.Get, $"pool-health/{pool}?namespace=default", null, cancellationToken);
            if (health.GetProperty("state").GetString() == "green")
            {
                return (_time.GetElapsedTime(since), served);
            }

            Check(since, "a green pool");
            served += (await AskAsync(await NewActorAsync(cancellationToken), cancellationToken)).Status == 200 ? 1 : 0;
            await Task.Delay(Pause, _time, cancellationToken);
        }
    }

    private void Check(long since, string what)
    {
        if (_time.GetElapsedTime(since) > RepairLimit)
        {
            throw new TimeoutException($"'{fault.Name}': no {what} within {RepairLimit.TotalSeconds} s of the repair\n{guard.Output}");
        }
    }

    private async Task PutPoolAsync(string url, CancellationToken cancellationToken)
        => await guard.Control.CallAsync(
            HttpMethod.Put,
            $"runner-configs/{pool}?namespace=default",
            """{"datacenters":{"default":{"serverless":{"url":"URL","request_lifespan":900,"slots_per_runner":50},"guard":{"init_timeout_ms":TIMEOUT}}}}"""
                .Replace("URL", url, StringComparison.Ordinal)
                .Replace("TIMEOUT", initTimeoutMs.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
            cancellationToken);

    private Task<string> NewActorAsync(CancellationToken cancellationToken)
        => guard.Control.CreateActorAsync(pool, cancellationToken, key: $"{pool}-{_actors++}");

    private async Task<FaultAnswer> AskAsync(string actor, CancellationToken cancellationToken)
    {
        var sent = _time.GetTimestamp();
        using var reply = await guard.Client.GetAsync(new Uri($"/gateway/{actor}/", UriKind.Relative), cancellationToken);
        var body = await reply.Content.ReadAsStringAsync(cancellationToken);
        var took = _time.GetElapsedTime(sent);
        var code = reply.Headers.TryGetValues("x-rivet-error", out var values) ? values.Single() : "";
        return new((int)reply.StatusCode, code, code.Length > 0 ? PoolErrorOf(body) : null, took);
    }

    private static string? PoolErrorOf(string body)
    {
        using var json = JsonDocument.Parse(body);
        return json.RootElement.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("pool_error", out var error)
            ? error.GetProperty("type").GetString()
            : null;
    }
}
