using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Pools;

/// <summary>The tracker's log lines: one per change of colour, with the likely cause. Bodies and messages of errors are not logged, for
/// they are the endpoint's words; the control API shows them.</summary>
internal sealed partial class PoolHealthTracker
{
    private static string LikelyCause(PoolError? error) => error?.Kind switch
    {
        PoolErrorKind.ServerlessHttpError
            => $"its serverless endpoint answered {error.StatusCode}: see the endpoint's own log, or the headers of the runner-config if it refuses Guard",
        PoolErrorKind.ServerlessStreamEndedEarly
            => "its serverless endpoint closed the stream before the init message: it crashed while starting, or a proxy between cut the stream",
        PoolErrorKind.ServerlessConnectionError
            => "its serverless endpoint could not be reached or sent no init in time: it is down, slow to start, or the url is wrong (DNS, port, TLS)",
        PoolErrorKind.ServerlessInvalidSsePayload
            => "its serverless endpoint's first message is no init message: the url is another service's, or its version is not compatible",
        PoolErrorKind.Downgrade => "a runner of an older version than the one in use was started: a roll-back, or two deployments at once",
        _ => "an internal error was reported for it",
    };

    private static string WhyGreen(PoolHealthSnapshot health, PoolHealthOptions rules)
        => health.Epoch == 0 ? "the store holds no record of it any more"
            : health.ConsecutiveSuccesses >= rules.SuccessesToClear ? "it had enough successes in a row"
            : "its last error expired, nobody repeated it";

    [LoggerMessage(1, LogLevel.Warning, "Pool {Pool} turned red: {Cause} (version {Epoch}/{Seq}).", EventName = "PoolTurnedRed")]
    private partial void LogRed(PoolId pool, string cause, ulong epoch, long seq);

    [LoggerMessage(2, LogLevel.Information, "Pool {Pool} turned green: {Cause} (version {Epoch}/{Seq}).", EventName = "PoolTurnedGreen")]
    private partial void LogGreen(PoolId pool, string cause, ulong epoch, long seq);

    // Debug: the store tells of its own outage once, and this would be a line per pool and poll.
    [LoggerMessage(
        3,
        LogLevel.Debug,
        "The health of pool {Pool} could not be read in time and counts as green: the store is unreachable or slow.",
        EventName = "PoolHealthUnreachable")]
    private partial void LogUnreachable(PoolId pool);

    [LoggerMessage(
        4,
        LogLevel.Warning,
        "The health of pool {Pool} counts as green, for its record cannot be read: another version of Guard or another program wrote it.",
        EventName = "PoolHealthUnreadable")]
    private partial void LogUnreadable(Exception exception, PoolId pool);

    [LoggerMessage(5, LogLevel.Error, "Telling the health of pool {Pool} failed; this is a bug in Guard.", EventName = "PoolHealthTellingFailed")]
    private partial void LogTellingFailed(Exception exception, PoolId pool);
}
