using Microsoft.Extensions.Logging;

namespace Guard.Core.Transport.Http;

internal static partial class ForwardLog
{
    [LoggerMessage(3001, LogLevel.Debug, "Request {RayId}: the client left before the reply was complete.", EventName = "ClientLeft")]
    public static partial void ClientLeft(this ILogger logger, string rayId);

    [LoggerMessage(3002, LogLevel.Debug, "Request {RayId}: runner {RunnerId} was not reached ({Reason}); the request goes back to wait for its actor.", EventName = "RunnerNotReached")]
    public static partial void RunnerNotReached(this ILogger logger, string rayId, string runnerId, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "Request {RayId}: the exchange with actor {ActorId} on runner {RunnerId} failed before a reply could start ({Code}, {Cause}). Likely the runner crashed, hung or restarted.", EventName = "ExchangeFailed")]
    public static partial void ExchangeFailed(this ILogger logger, string rayId, string actorId, string runnerId, string code, string? cause);

    [LoggerMessage(3004, LogLevel.Warning, "Request {RayId}: the reply of actor {ActorId} on runner {RunnerId} broke off ({Cause}); the client's connection was aborted. Likely the runner crashed or restarted.", EventName = "ReplyBroken")]
    public static partial void ReplyBroken(this ILogger logger, string rayId, string actorId, string runnerId, string? cause);

    [LoggerMessage(3005, LogLevel.Warning, "Request {RayId}: the WebSocket to actor {ActorId} lost runner {RunnerId} without a close frame; the client was told with 1011 where a frame could be put. Likely the runner crashed or was killed.", EventName = "RunnerLost")]
    public static partial void RunnerLost(this ILogger logger, string rayId, string actorId, string runnerId);
}
