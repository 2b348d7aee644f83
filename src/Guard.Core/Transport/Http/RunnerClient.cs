using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Guard.Core.Options;
using Guard.Core.Transport.Connections;
using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Microsoft.Extensions.Logging;

namespace Guard.Core.Transport.Http;

/// <summary>
/// Guard's channel to runners (docs/contract.md, section 7): start and stop calls, with <c>Runners:Token</c> as <c>x-guard-channel</c>.
/// Thread-safe.
/// </summary>
internal sealed partial class RunnerClient(HttpMessageInvoker invoker, LiveOptions options, TimeProvider time, ILogger<RunnerClient> logger)
{
    /// <summary>Asks the runner to start the actor's current generation. Bounded by <c>Runners:StartTimeout</c>; never throws.</summary>
    public async Task<StartResult> StartAsync(ActorRecord actor, RunnerAddress runner)
    {
        var body = new StartBody(
            actor.Id.ToString(), actor.Generation, actor.StartId ?? "", actor.Name, actor.Key, actor.Pool.Namespace, actor.Pool.Name, actor.Input);
        using var timeout = new CancellationTokenSource(options.Current.Runners.StartTimeout, time);
        try
        {
            using var request = NewRequest(runner, actor.Id, "start", Json(body, RunnerJson.Default.StartBody));
            using var response = await invoker.SendAsync(request, timeout.Token);
            var status = (int)response.StatusCode;
            return status switch
            {
                202 => new(StartReply.Accepted, "202"),
                >= 200 and < 300 => new(StartReply.Ready, "ready"),
                _ => new(StartReply.Refused, $"start answered {status}"),
            };
        }
        catch (Exception e) when (RunnerFaults.NotReached(e) is { } reason)
        {
            return new(StartReply.NotReached, reason);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return new(StartReply.NoResponse, timeout.IsCancellationRequested ? "no answer in time" : "connection lost");
        }
    }

    /// <summary>
    /// Tells the runner to stop a generation. Bounded by <c>Runners:StartTimeout</c>; never throws, a runner that cannot be told is only
    /// logged.
    /// </summary>
    /// <param name="reason"><c>sleep</c>, <c>destroy</c>, <c>drain</c> or <c>stale</c>.</param>
    public async Task<StopReply> StopAsync(RunnerAddress runner, ActorId actor, long generation, string reason)
    {
        using var timeout = new CancellationTokenSource(options.Current.Runners.StartTimeout, time);
        try
        {
            using var request = NewRequest(runner, actor, "stop", Json(new StopBody(generation, reason), RunnerJson.Default.StopBody));
            using var response = await invoker.SendAsync(request, timeout.Token);
            return (int)response.StatusCode switch
            {
                202 => StopReply.Accepted,
                >= 200 and < 300 => StopReply.Stopped,
                _ => StopReply.Failed,
            };
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            LogStopFailed(logger, actor.ToString(), generation, runner.RunnerId, reason, RunnerFaults.Describe(e) ?? "unknown");
            return StopReply.Failed;
        }
    }

    /// <summary>Whole, so that it goes with a content-length: not every small server reads chunks.</summary>
    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type)
        => new(JsonSerializer.SerializeToUtf8Bytes(body, type)) { Headers = { ContentType = new("application/json") { CharSet = "utf-8" } } };

    private HttpRequestMessage NewRequest(RunnerAddress runner, ActorId actor, string verb, HttpContent content)
    {
        var at = HttpLocations.Of(runner);
        var request = new HttpRequestMessage(HttpMethod.Post, $"{at.Url}/.guard/actors/{actor}/{verb}") { Content = content };
        (request.Version, request.VersionPolicy) = at.Protocol == RunnerProtocol.H2c
            ? (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact)
            : (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
        if (options.Current.Runners.Token is { } token)
        {
            request.Headers.TryAddWithoutValidation("x-guard-channel", token);
        }

        if (at.RoutingKeyHeader is { } key)
        {
            request.Headers.TryAddWithoutValidation("x-rivet-runner-key", key);
        }

        return request;
    }

    [LoggerMessage(EventId = 1, EventName = "StopFailed", Level = LogLevel.Warning,
        Message = "Runner {RunnerId} could not be told to stop actor {ActorId} generation {Generation} ({Reason}): {Fault}; it stops it when it next reads its list of actors")]
    private static partial void LogStopFailed(ILogger logger, string actorId, long generation, string runnerId, string reason, string fault);
}

internal sealed record StartBody(
    string ActorId,
    long Generation,
    string StartId,
    string Name,
    string? Key,
    string Namespace,
    string RunnerName,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] byte[]? Input);

internal sealed record StopBody(long Generation, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StartBody))]
[JsonSerializable(typeof(StopBody))]
internal sealed partial class RunnerJson : JsonSerializerContext;
