using Guard.Core.Async;
using Guard.Core.Diagnostics;
using Guard.Core.Options;
using Guard.Core.State.Runners;
using Guard.Core.Transport.Connections;
using Guard.Health;
using Guard.Hosting;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Runners;
using Guard.Model.Stores;

namespace Guard.Sidecar;

/// <summary>
/// Makes the application beside this Guard a runner: registers it once it is healthy, sends its heartbeats while it is, and drains it when
/// this Guard is told to end or <see cref="DrainAsync(CancellationToken)"/> is called. An application that is not healthy gets no heartbeats, so that it gets
/// no new actors after <c>Runners:EligibleAfter</c> and is lost after <c>Runners:LostAfter</c>. Thread-safe.
/// </summary>
internal sealed partial class SidecarRunner(
    SidecarApp app,
    IPoolStore pools,
    IRunnerStore runners,
    RunnerInbox inbox,
    EndpointPolicy endpoints,
    HealthState health,
    IHostApplicationLifetime lifetime,
    LiveOptions options,
    GuardMetrics metrics,
    TimeProvider time,
    ILogger<SidecarRunner> logger) : BackgroundService, IDrainedAtShutdown
{
    /// <summary>Between two looks at whether a draining runner is empty.</summary>
    private static readonly TimeSpan DrainPoll = TimeSpan.FromMilliseconds(100);

    private readonly GuardedLoop _loop = new("sidecar", metrics, time, logger);
    private readonly Lock _gate = new();

    /// <summary>Held by a registration under way: a drain that did not wait for it would leave behind what it had not seen.</summary>
    private readonly SemaphoreSlim _registering = new(1, 1);
    private volatile string? _runnerId;
    private volatile bool _isDrained;
    private bool _toldNotDrained;
    private Task? _drain;
    private string? _lastFault = "";
    private long _lastBeat;

    /// <summary>
    /// Gives the application no new actors, has those it has stopped, and takes it out of its pool; ends when that is done. Called again
    /// it joins. From then on it is not registered again.
    /// </summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _drain ??= RunDrainAsync();
        }

        return _drain.WaitAsync(cancellationToken);
    }

    /// <summary>Keeps the control API open until the application is drained: it reports there what it has stopped.</summary>
    public Task DrainAsync(TimeSpan window, CancellationToken limit) => EndDrainAsync(limit);

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await EndDrainAsync(cancellationToken);
        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var onDrain = health.Draining.UnsafeRegister(static self => ((SidecarRunner)self!).DrainAsync(CancellationToken.None), this);

        // Which addresses are Guard's own, and no application's, is known when it listens.
        await Task.Delay(Timeout.InfiniteTimeSpan, time, lifetime.ApplicationStarted)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _loop.RunAsync(options.Current.Sidecar.HealthInterval, LookAsync, stoppingToken);
    }

    private async ValueTask LookAsync(CancellationToken cancellationToken)
    {
        if (_isDrained)
        {
            return;
        }

        var fault = await app.CheckAsync(cancellationToken);
        Tell(fault);
        if (fault is not null)
        {
            return;
        }

        if (_runnerId is not { } runnerId)
        {
            await RegisterAsync(cancellationToken);
        }
        else if (time.GetElapsedTime(_lastBeat) >= options.Current.Runners.EligibleAfter / 3)
        {
            _lastBeat = time.GetTimestamp();
            if (await inbox.BeatAsync(runnerId, cancellationToken) is null)
            {
                // Lost meanwhile, or the store forgot: what it ran is somebody else's now.
                _runnerId = null;
                await RegisterAsync(cancellationToken);
            }
        }
    }

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        await _registering.WaitAsync(cancellationToken);
        try
        {
            if (!IsDrainAsked())
            {
                await RegisterOnceAsync(cancellationToken);
            }
        }
        finally
        {
            _registering.Release();
        }
    }

    private bool IsDrainAsked()
    {
        lock (_gate)
        {
            return _drain is not null;
        }
    }

    private async Task RegisterOnceAsync(CancellationToken cancellationToken)
    {
        var current = options.Current;
        var sidecar = current.Sidecar;
        if (endpoints.CheckUrl(sidecar.AdvertisedEndpoint ?? sidecar.Endpoint, out var url) is { } problem)
        {
            Tell($"may not be a runner: Guard:Sidecar:{(sidecar.AdvertisedEndpoint is null ? "Endpoint" : "AdvertisedEndpoint")} {problem}");
            return;
        }

        var pool = new PoolId(sidecar.Namespace, sidecar.Pool);
        await pools.AddAsync(pool, new PoolConfig(), cancellationToken);
        var at = new RunnerLocation.Http(url, sidecar.Protocol == SidecarProtocol.H2c ? RunnerProtocol.H2c : RunnerProtocol.Http1);
        var runner = new NewRunner(
            ActorId.New((ushort)current.Datacenter.Label).ToString(),
            pool,
            sidecar.Key ?? Environment.MachineName,
            sidecar.Version,
            sidecar.StartMode == SidecarStartMode.Implicit ? new RunnerLocation.Implicit(at) : at,
            sidecar.Slots);
        if (await inbox.RegisterAsync(runner, cancellationToken) is { } registered)
        {
            _lastBeat = time.GetTimestamp();
            _runnerId = registered.RunnerId;
            LogRegistered(registered.RunnerId, url, pool, sidecar.Version, sidecar.Slots);
        }
    }

    private async Task EndDrainAsync(CancellationToken limit)
    {
        try
        {
            await DrainAsync(limit);
        }
        catch (OperationCanceledException) when (Interlocked.Exchange(ref _toldNotDrained, true))
        {
            // At the drain limit, and again when the host stops.
        }
        catch (OperationCanceledException)
        {
            LogNotDrained(options.Current.Shutdown.DrainTimeout);
        }
    }

    private async Task RunDrainAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var since = time.GetTimestamp();
        await _registering.WaitAsync();
        _registering.Release();
        while (_runnerId is { } runnerId)
        {
            try
            {
                // Null: it is gone, and its actors with it. Heartbeats go on until then, so that it is not lost in between.
                if (!await runners.DrainAsync(runnerId, CancellationToken.None)
                    || await runners.GetActorsAsync(runnerId, CancellationToken.None) is not { Actors.Count: > 0 })
                {
                    await runners.DeleteAsync(runnerId, CancellationToken.None);
                    break;
                }
            }
            catch (StoreException)
            {
            }

            await Task.Delay(DrainPoll, time);
        }

        _isDrained = true;
        LogDrained(time.GetElapsedTime(since).TotalSeconds);
    }

    private void Tell(string? fault)
    {
        if (fault == _lastFault)
        {
            return;
        }

        _lastFault = fault;
        if (fault is null)
        {
            LogHealthy(options.Current.Sidecar.Endpoint!);
        }
        else
        {
            LogUnhealthy(options.Current.Sidecar.Endpoint!, options.Current.Sidecar.HealthPath, fault);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The application at {Endpoint} is healthy", EventName = "SidecarAppHealthy")]
    private partial void LogHealthy(string endpoint);

    [LoggerMessage(2, LogLevel.Warning,
        "The application at {Endpoint} {Fault} (GET {Path}); it gets no heartbeats until it answers 200 to 399. Is it up, and Guard:Sidecar:HealthPath right?",
        EventName = "SidecarAppUnhealthy")]
    private partial void LogUnhealthy(string endpoint, string path, string fault);

    [LoggerMessage(3, LogLevel.Information,
        "The application is runner {RunnerId} at {Endpoint} of pool {Pool}: version {Version}, {Slots} slots", EventName = "SidecarRegistered")]
    private partial void LogRegistered(string runnerId, string endpoint, PoolId pool, int version, int slots);

    [LoggerMessage(4, LogLevel.Information, "The application is drained, after {Seconds:0.0} s", EventName = "SidecarDrained")]
    private partial void LogDrained(double seconds);

    [LoggerMessage(5, LogLevel.Warning,
        "The application was not drained within Guard:Shutdown:DrainTimeout ({Timeout}); the actors it still has are lost with it", EventName = "SidecarNotDrained")]
    private partial void LogNotDrained(TimeSpan timeout);
}
