using System.Collections.Concurrent;
using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Membership;
using Guard.Core.State.Pools;
using Guard.Core.State.Runners;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Guard.Core.State.Serverless;

/// <summary>How a stream was taken in.</summary>
internal enum Adoption
{
    /// <summary>Its runner is registered and lives until the stream ends.</summary>
    Registered,

    /// <summary>The stream ended first.</summary>
    Ended,

    /// <summary>The pool has no runner-config any more.</summary>
    NoPool,

    /// <summary>Runners of a higher version serve: it would drain from the first moment on.</summary>
    Downgrade,
}

/// <summary>
/// The streams this Guard holds open, whoever manages their pools now: each is a runner, registered when the stream is taken in and
/// stopped when it ends. This Guard sends their heartbeats, all in one round trip; it closes those that have drained. Thread-safe.
/// </summary>
internal sealed partial class ServerlessStreams(
    IRunnerStore store,
    RunnerInbox inbox,
    PoolAttention attention,
    GuardIdentity identity,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    ILogger<ServerlessStreams> logger) : BackgroundService
{
    private static readonly TimeSpan MinPeriod = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(1);

    /// <summary>Between two tries of a call that the store did not answer.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>How long telling the store of streams that are closed because this Guard ends may take.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, HeldStream> _held = new(StringComparer.Ordinal);
    /// <summary>While it fails the runners are as silent as any other.</summary>
    private readonly GuardedLoop _loop = new("serverless_streams", metrics, time, logger);

    private readonly Pulse _pulse = new(time);
    private readonly Pulse _closed = new(time);
    private volatile bool _isLeaving;
    private volatile bool _isDraining;

    /// <summary>This Guard is about to end.</summary>
    public bool IsLeaving => _isLeaving;

    /// <summary>Its streams drain: no other is wanted here.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>Whether a stream is this Guard's, as the store has it.</summary>
    public bool IsOwn(StreamRunner stream) => stream.Owner == identity.Id;

    /// <summary>Whether the stream of a runner is held, or is being registered, here.</summary>
    public bool Holds(string runnerId) => _held.ContainsKey(runnerId);

    /// <summary>Whether a runner of the pool lives by a stream of this Guard.</summary>
    public bool HasAny(PoolId pool) => _held.Values.Any(h => h.IsRegistered && h.Pool.Equals(pool) && !h.Stream.Ended.IsCompleted);

    /// <summary>Registers the runner of a stream and keeps it. The stream is this one's from now on, whatever the outcome.</summary>
    /// <param name="runnerId">The id its runner gets; one that no runner ever had.</param>
    /// <param name="pool">Its pool.</param>
    /// <param name="terms">See <see cref="StreamTerms"/>.</param>
    /// <param name="opened">When the connect was begun, a timestamp of the provider.</param>
    /// <param name="stream">The connection.</param>
    public async Task<Adoption> AdoptAsync(string runnerId, PoolId pool, string terms, long opened, ServerlessStream stream)
    {
        var held = new HeldStream(runnerId, pool, stream);
        _held[runnerId] = held;
        var adoption = Adoption.Ended;
        try
        {
            return adoption = await RegisterAsync(held, terms, opened);
        }
        finally
        {
            if (adoption == Adoption.Registered)
            {
                held.IsRegistered = true;
                Count(pool);
                LogOpened(logger, runnerId, pool, stream.Init.Endpoint, stream.Init.Version, stream.Init.TotalSlots);
                _ = KeepAsync(held);
            }
            else
            {
                // Also when the store rejects the runner: a stream that is no runner serves nobody, and is paid for.
                stream.Dispose();
                await StopAsync(held);
            }
        }
    }

    private async Task<Adoption> RegisterAsync(HeldStream held, string terms, long opened)
    {
        var init = held.Stream.Init;
        while (!held.Stream.Ended.IsCompleted)
        {
            var runner = new NewRunner(
                held.RunnerId,
                held.Pool,
                init.Key is null ? held.RunnerId : $"{init.Key}/{held.RunnerId}",
                init.Version,
                new RunnerLocation.Http(init.Endpoint, RunnerProtocol.Http1, init.IsRoutedByKey ? init.Key ?? held.RunnerId : null),
                init.TotalSlots,
                Stream: new(identity.Id, terms, time.GetElapsedTime(opened), _isLeaving));
            try
            {
                return await inbox.RegisterAsync(runner, CancellationToken.None) switch
                {
                    null => Adoption.NoPool,
                    { VersionDrainTs: not 0 } => Adoption.Downgrade,
                    _ => Adoption.Registered,
                };
            }
            catch (StoreException e) when (e.Kind == StoreFailure.Away)
            {
                // Registered or not: the same key again is the same runner.
                await Task.Delay(RetryAfter, time);
            }
        }

        return Adoption.Ended;
    }

    /// <summary>This Guard is about to end: whoever manages the pools replaces its streams, then drains them.</summary>
    public void Leave()
    {
        _isLeaving = true;
        _pulse.Set();
    }

    /// <summary>Drains every stream that does not drain yet; completes when none is left.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _isLeaving = true;
        _isDraining = true;
        while (!_held.IsEmpty)
        {
            foreach (var (runnerId, _) in _held)
            {
                try
                {
                    await store.DrainAsync(runnerId, cancellationToken);
                }
                catch (Exception) when (!cancellationToken.IsCancellationRequested)
                {
                    // The next round tries again, and the others drain.
                }
            }

            _pulse.Set();
            await _closed.WaitAsync(MaxPeriod, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await DrainAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            LogNotDrained(logger, _held.Count);
        }

        await base.StopAsync(CancellationToken.None);
        var left = _held.Values.ToArray();
        foreach (var held in left)
        {
            held.Stream.Dispose();
        }

        // Their ends stop the runners. Where the store does not answer, others find this Guard dead.
        using var deadline = new CancellationTokenSource(CloseTimeout, time);
        await Task.WhenAll(left.Select(h => h.Stopped.Task)).WaitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Sends heartbeats until stopped, where it is called: the host starts it on a thread of its own, a simulation on its own
    /// scheduler.</summary>
    public Task RunAsync(CancellationToken stoppingToken) => _loop.RunAsync(TimeSpan.Zero, StepAsync, stoppingToken);

    private async ValueTask StepAsync(CancellationToken cancellationToken)
    {
        var third = options.Current.Runners.EligibleAfter / 3;
        await _pulse.WaitAsync(TimeSpan.FromTicks(Math.Clamp(third.Ticks, MinPeriod.Ticks, MaxPeriod.Ticks)), cancellationToken);
        await BeatAsync();
    }

    private async Task BeatAsync()
    {
        var held = _held.Values.Where(h => h.IsRegistered).ToArray();
        if (held.Length == 0)
        {
            return;
        }

        var isLeaving = _isLeaving;
        var states = await store.BeatAsync(Array.ConvertAll(held, h => new StreamBeat(h.RunnerId, h.Pool, isLeaving)), CancellationToken.None);
        for (var i = 0; i < held.Length; i++)
        {
            if (states[i] == StreamState.Ended)
            {
                held[i].IsStopped = true;
                held[i].Stream.Dispose();
            }
        }
    }

    /// <summary>From the registration to the end of the stream, which is the end of its runner.</summary>
    private async Task KeepAsync(HeldStream held)
    {
        await held.Stream.Ended;
        held.Stream.Dispose();
        if (held.IsStopped)
        {
            LogClosed(logger, held.RunnerId, held.Pool);
        }
        else
        {
            LogEnded(logger, held.RunnerId, held.Pool);
        }

        await StopAsync(held);
        Count(held.Pool);
        attention.LookSoon(held.Pool);
    }

    /// <summary>Lost at once, with its actors, where it is not stopped already. Never throws: whatever the store says, the stream is not held
    /// any more, and a runner without one is found by whoever looks after its pool.</summary>
    private async Task StopAsync(HeldStream held)
    {
        held.IsRegistered = false;
        try
        {
            while (!held.IsStopped)
            {
                await TryStopAsync(held);
            }
        }
        catch (Exception e)
        {
            LogNotTold(logger, e, held.RunnerId, held.Pool);
        }

        _held.TryRemove(held.RunnerId, out _);
        held.Stopped.TrySetResult();
        if (_held.IsEmpty)
        {
            _closed.Set();
        }
    }

    private async Task TryStopAsync(HeldStream held)
    {
        try
        {
            await store.DeleteAsync(held.RunnerId, CancellationToken.None);
            held.IsStopped = true;
        }
        catch (StoreException e) when (e.Kind == StoreFailure.Away)
        {
            await Task.Delay(RetryAfter, time);
        }
    }

    private void Count(PoolId pool) => metrics.SetServerlessConnections(pool, _held.Values.Count(h => h.IsRegistered && h.Pool.Equals(pool)));

    private sealed class HeldStream(string runnerId, PoolId pool, ServerlessStream stream)
    {
        public string RunnerId { get; } = runnerId;

        public PoolId Pool { get; } = pool;

        public ServerlessStream Stream { get; } = stream;

        public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The store has its runner, and its stream has not ended.</summary>
        public volatile bool IsRegistered;

        /// <summary>The store has said that its runner is stopped.</summary>
        public volatile bool IsStopped;
    }

    [LoggerMessage(EventId = 1, EventName = "ServerlessOpened", Level = LogLevel.Information,
        Message = "A connection of pool {Pool} is established: runner {RunnerId} at {Endpoint}, version {Version}, {Slots} slots")]
    private static partial void LogOpened(ILogger logger, string runnerId, PoolId pool, string endpoint, int version, int slots);

    [LoggerMessage(EventId = 2, EventName = "ServerlessClosed", Level = LogLevel.Information,
        Message = "A connection of pool {Pool} is closed: its runner {RunnerId} has drained, or was stopped")]
    private static partial void LogClosed(ILogger logger, string runnerId, PoolId pool);

    [LoggerMessage(EventId = 3, EventName = "ServerlessEnded", Level = LogLevel.Warning,
        Message = "A connection of pool {Pool} ended, and its runner {RunnerId} with it; its actors follow their crash policy. Did the instance crash, or does the platform end requests before request_lifespan?")]
    private static partial void LogEnded(ILogger logger, string runnerId, PoolId pool);

    [LoggerMessage(EventId = 4, EventName = "ServerlessNotDrained", Level = LogLevel.Warning,
        Message = "{Count} connections to serverless endpoints were not drained within Guard:Shutdown:DrainTimeout; the actors they still have are lost with them")]
    private static partial void LogNotDrained(ILogger logger, int count);

    [LoggerMessage(EventId = 5, EventName = "ServerlessNotTold", Level = LogLevel.Error,
        Message = "The store cannot be told that the connection of runner {RunnerId} of pool {Pool} has ended; the runner is lost when it is found without one")]
    private static partial void LogNotTold(ILogger logger, Exception exception, string runnerId, PoolId pool);
}
