using Guard.Core.Request.Readiness;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Guard.Hosting;

/// <summary>
/// The connections clients have open. When the process ends, idle ones are closed, the others after the reply they are at (HTTP/2: told
/// with GOAWAY). Who still waits for an actor shortly before the limit is told to come again, and at the limit what is left is cut.
/// Thread-safe.
/// </summary>
internal sealed class GatewayConnections(HoldLimiter holds, TimeProvider time) : IDrainedAtShutdown
{
    /// <summary>Kept for the answers to those who wait: enough to write one to each of 50,000. Of short windows a fifth.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly HashSet<ConnectionContext> _open = [];
    private readonly TaskCompletionSource _allClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _draining;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Connection middleware.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        bool late;
        lock (_gate)
        {
            _open.Add(connection);
            late = _draining;
        }

        try
        {
            if (late)
            {
                RequestClose(connection);
            }

            await next(connection);
        }
        finally
        {
            bool last;
            lock (_gate)
            {
                _open.Remove(connection);
                last = _draining && _open.Count == 0;
            }

            if (last)
            {
                _allClosed.TrySetResult();
            }
        }
    }

    /// <inheritdoc/>
    public async Task DrainAsync(TimeSpan window, CancellationToken limit)
    {
        ConnectionContext[] open;
        lock (_gate)
        {
            _draining = true;
            open = [.. _open];
            if (open.Length == 0)
            {
                return;
            }
        }

        foreach (var connection in open)
        {
            RequestClose(connection);
        }

        var lastWords = window / 5 < LastWords ? window / 5 : LastWords;
        await _allClosed.Task.WaitAsync(window - lastWords, time, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        holds.Close();
        await _allClosed.Task.WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            open = [.. _open];
        }

        foreach (var connection in open)
        {
            connection.Abort(new ConnectionAbortedException("The process ends, and the request took longer than Shutdown:DrainTimeout."));
        }
    }

    private static void RequestClose(ConnectionContext connection)
        => connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
}
