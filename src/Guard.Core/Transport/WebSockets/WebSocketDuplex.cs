using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Guard.Core.Errors;
using Guard.Model.Actors;

namespace Guard.Core.Transport.WebSockets;

/// <summary>
/// A forwarded WebSocket: bytes pass as they are in both directions, and where frames end is known, so that Guard can end it in a way both
/// sides understand. When this Guard ends, both get 1001; when the runner's connection is lost without a close frame, the client gets
/// 1011. A close frame that one side sends passes like any other. The copying is the forwarder's: it reads and writes the two streams made
/// here. <see cref="CloseAsync"/> may be called by anyone; the rest is the forwarder's.
/// </summary>
/// <param name="open">Knows it from when both streams are there until <see cref="Dispose"/>.</param>
/// <param name="time">Measures how long answers may take.</param>
/// <param name="actorId">Whose it is.</param>
/// <param name="runnerId">Where that runs.</param>
/// <param name="rayId">The handshake's.</param>
internal sealed class WebSocketDuplex(OpenWebSockets open, TimeProvider time, string actorId, string runnerId, string rayId) : IDisposable
{
    /// <summary>How long a side gets to end the frame it is in and to answer a close frame. As long as where Guard refuses a WebSocket.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _end = new();
    private FramedOutput? _toClient;
    private FramedOutput? _toRunner;
    private CancellationTokenSource? _runnerReads;

    /// <summary>The runner's connection ended without a close frame, and the client had not asked for one.</summary>
    public bool IsRunnerLost { get; private set; }

    /// <summary>Call first.</summary>
    public Stream WrapClient(Stream client)
    {
        _toClient = new FramedOutput(client);
        return new ClientSide(client, this);
    }

    /// <summary>Call second.</summary>
    public Stream WrapRunner(Stream runner)
    {
        _toRunner = new FramedOutput(runner);
        open.Add(this);
        return new RunnerSide(runner, this);
    }

    /// <summary>Sends 1001 to both sides, each at the end of the frame it is being sent; waits for their answers, a few seconds, and ends
    /// the connection. Never throws.</summary>
    public async Task CloseAsync(CancellationToken limit)
    {
        using var timeout = new CancellationTokenSource(CloseTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, limit);
        try
        {
            await Task.WhenAll(
                _toClient!.CloseAsync(CloseFrame.Create(CloseFrame.GoingAway, "", fromClient: false), either.Token).AsTask(),
                _toRunner!.CloseAsync(CloseFrame.Create(CloseFrame.GoingAway, "", fromClient: true), either.Token).AsTask());
            await Task.WhenAll(_toClient.SenderDone, _toRunner.SenderDone).WaitAsync(either.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // One side is gone or does not answer: it is not waited for any longer.
        }

        End();
    }

    public void Dispose()
    {
        open.Remove(this);
        _runnerReads?.Dispose();
    }

    /// <summary>Makes the reads from the runner return their end, which ends both copies.</summary>
    private void End()
    {
        try
        {
            _end.Cancel();
        }
        catch (AggregateException)
        {
            // The client library cancels a read by breaking the connection, which may be broken already.
        }
    }

    /// <summary>The token of all reads from the runner: the forwarder's, or ours.</summary>
    private CancellationToken RunnerReads(CancellationToken forwarders)
        => (_runnerReads ??= CancellationTokenSource.CreateLinkedTokenSource(forwarders, _end.Token)).Token;

    /// <summary>The runner's stream ended: tells the client what it has not been told, and waits for its answer so that it is not lost in
    /// a reset.</summary>
    /// <param name="fault">Null for an orderly end. Thrown where the client could take the end of its stream for one.</param>
    /// <param name="cancellationToken">The forwarder's.</param>
    private async Task EndOfRunnerAsync(Exception? fault, CancellationToken cancellationToken)
    {
        _toClient!.SenderEnded();
        if (_end.IsCancellationRequested)
        {
            return;
        }

        if (!_toClient.IsClosed && !_toRunner!.SenderDone.IsCompleted)
        {
            IsRunnerLost = true;
            var error = GuardErrors.ActorFailed(actorId, new ActorError(ActorErrorKind.RunnerConnectionLost, runnerId));
            await _toClient.CloseAsync(CloseFrame.Create(CloseFrame.InternalError, WebSocketRefusal.Reason(error, rayId), fromClient: false), cancellationToken);
        }

        if (_toClient.IsClosed)
        {
            await _toRunner!.SenderDone.WaitAsync(CloseTimeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    private sealed class ClientSide(Stream inner, WebSocketDuplex duplex) : DuplexStream(inner)
    {
        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    var count = await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                    if (count == 0 && !buffer.IsEmpty)
                    {
                        duplex._toRunner!.SenderEnded();
                    }

                    return count;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // The server wakes the reader of a connection that it was asked to close after this request.
                }
                catch (Exception)
                {
                    duplex._toRunner!.SenderEnded();
                    throw;
                }
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => duplex._toClient!.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => duplex._toClient!.FlushAsync(cancellationToken);
    }

    private sealed class RunnerSide(Stream inner, WebSocketDuplex duplex) : DuplexStream(inner)
    {
        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Exception? fault = null;
            try
            {
                var count = await Inner.ReadAsync(buffer, duplex.RunnerReads(cancellationToken)).ConfigureAwait(false);
                if (count > 0 || buffer.IsEmpty)
                {
                    return count;
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                fault = e;
            }

            await duplex.EndOfRunnerAsync(fault, cancellationToken).ConfigureAwait(false);
            return 0;
        }

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await duplex._toRunner!.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // The connection is gone: its reader finds out, tells the client, and hears from here when that has answered.
                await Inner.DisposeAsync().ConfigureAwait(false);
            }
        }

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            try
            {
                await duplex._toRunner!.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                // As with a write.
            }
        }
    }
}
