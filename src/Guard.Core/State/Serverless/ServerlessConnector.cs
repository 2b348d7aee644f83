using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>
/// Opens connections of serverless pools (docs/contract.md, section 8): calls <c>GET {url}/start</c> once, waits for the first message, and says
/// of every failure which of the pool's errors it is. The table is in docs/serverless.md. Thread-safe.
/// </summary>
internal sealed partial class ServerlessConnector(
    ServerlessInvoker invoker, InitReader inits, LiveOptions options, GuardMetrics metrics, TimeProvider time, ILogger<ServerlessConnector> logger)
{
    /// <inheritdoc cref="ServerlessConnect"/>
    public async Task<ConnectResult> ConnectAsync(ServerlessTarget target, CancellationToken cancellationToken)
    {
        // The connection lives until this is cancelled. It holds no timer and so needs no disposal.
        var life = new CancellationTokenSource();
        using var timeout = new CancellationTokenSource(target.InitTimeout, time);
        using var onTimeout = timeout.Token.UnsafeRegister(Cancel, life);
        using var onLeave = cancellationToken.UnsafeRegister(Cancel, life);
        HttpResponseMessage? response = null;
        StartEvents? events = null;
        var isOpen = false;
        try
        {
            using var request = ServerlessRequest.Start(target, options.Current.Control);
            response = await invoker.SendAsync(request, life.Token);
            if (!response.IsSuccessStatusCode)
            {
                return await RefusedAsync(response, target, life.Token, cancellationToken);
            }

            if (StartFaults.OfHead(response.Content.Headers, response.StatusCode) is { } wrong)
            {
                return Clean(wrong, target);
            }

            events = new StartEvents(await response.Content.ReadAsStreamAsync(life.Token), life.Token);
            if (await events.NextAsync() is not { } first)
            {
                return new PoolError(PoolErrorKind.ServerlessStreamEndedEarly);
            }

            if (inits.Read(first, target.Config, out var problem) is not { } init)
            {
                return Clean(new PoolError(PoolErrorKind.ServerlessInvalidSsePayload, Message: problem, RawPayload: first), target);
            }

            onTimeout.Dispose();
            onLeave.Dispose();
            life.Token.ThrowIfCancellationRequested();
            isOpen = true;

            // Neither is followed nor closed on the caller's thread: an endpoint that never stops talking would keep the one, and whoever
            // waits for the end may need what the other holds.
            return new ServerlessStream(init, Task.Run(() => FollowAsync(events, response, target.Pool), CancellationToken.None), () => _ = life.CancelAsync());
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (timeout.IsCancellationRequested || StartFaults.IsExpected(e))
        {
            var replied = response is not null;
            return Clean(timeout.IsCancellationRequested ? StartFaults.TimedOut(target.InitTimeout, replied) : StartFaults.Of(e, replied), target);
        }
        finally
        {
            if (!isOpen)
            {
                await CloseAsync(events, response);
            }
        }
    }

    private static void Cancel(object? life) => ((CancellationTokenSource)life!).Cancel();

    private PoolError Clean(PoolError error, ServerlessTarget target)
    {
        var secrets = SecretMask.Of(target, options.Current.Control);
        var limit = options.Current.PoolHealth.MaxErrorBytes;
        return error with { Message = secrets.Clean(error.Message, limit), RawPayload = secrets.Clean(error.RawPayload, limit) };
    }

    private async Task<PoolError> RefusedAsync(
        HttpResponseMessage response, ServerlessTarget target, CancellationToken life, CancellationToken cancellationToken)
    {
        var secrets = SecretMask.Of(target, options.Current.Control);
        var limit = options.Current.PoolHealth.MaxErrorBytes;
        var body = await BodyStart.ReadAsync(response, limit + secrets.LongestBytes, time, life);
        cancellationToken.ThrowIfCancellationRequested();
        return new PoolError(PoolErrorKind.ServerlessHttpError, (int)response.StatusCode, secrets.Clean(body, limit));
    }

    /// <summary>Reads to the end of the stream. Never faults: however it ended, the runner's life ends with it.</summary>
    private async Task FollowAsync(StartEvents events, HttpResponseMessage response, PoolId pool)
    {
        try
        {
            await CountAsync(events, pool);
            LogEnded(logger, pool, "closed by the endpoint");
        }
        catch (Exception e)
        {
            LogEnded(logger, pool, e is OperationCanceledException ? "closed by this Guard" : StartFaults.Describe(e));
        }
        finally
        {
            await CloseAsync(events, response);
        }
    }

    private static async ValueTask CloseAsync(StartEvents? events, HttpResponseMessage? response)
    {
        if (events is not null)
        {
            await events.DisposeAsync();
        }

        response?.Dispose();
    }

    private async Task CountAsync(StartEvents events, PoolId pool)
    {
        try
        {
            while (await events.NextAsync() is not null)
            {
                metrics.ServerlessMessageIgnored(pool);
            }
        }
        catch (EventTooLongException)
        {
            // No reason to lose a runner: what it says is ignored anyway.
            metrics.ServerlessMessageIgnored(pool);
            LogTooLong(logger, pool, StartEvents.MaxEventBytes);
            await events.DrainAsync();
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "A stream of pool {Pool} has ended: {Reason}", EventName = "StreamEnded")]
    private static partial void LogEnded(ILogger logger, PoolId pool, string reason);

    [LoggerMessage(2, LogLevel.Warning,
        "An endpoint of pool {Pool} sent an event of more than {MaxBytes} bytes after its first message; its stream is kept, its events are not counted any more. Guard expects nothing but pings there",
        EventName = "StreamEventTooLong")]
    private static partial void LogTooLong(ILogger logger, PoolId pool, int maxBytes);
}
