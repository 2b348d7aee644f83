namespace Guard.Demo;

/// <summary>
/// Keeps a runner a member of its pool: registers it, sends heartbeats, stops what Guard no longer counts as its, and puts actors to
/// sleep that nobody uses.
/// </summary>
internal sealed partial class RunnerMembership(ControlClient control, EchoRunner runner, string pool, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan SleepAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private string _runnerId = "";

    /// <summary>Of the last list this runner has made its own; null before the first, and after a registration, which may have taken
    /// every actor from it.</summary>
    private long? _actorsVersion;

    /// <summary>Registers; the time between two heartbeats.</summary>
    public async Task<TimeSpan> RegisterAsync(CancellationToken cancellationToken)
    {
        var reply = await control.RegisterAsync(new(pool, "demo-echo", 1, runner.Endpoint, 1000), cancellationToken);
        _runnerId = reply.Runner.RunnerId;
        _actorsVersion = null;
        return TimeSpan.FromMilliseconds(Math.Max(100, reply.HeartbeatIntervalMs));
    }

    /// <summary>Runs until cancelled, then leaves the pool.</summary>
    public async Task RunAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await BeatAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The demo ends.
        }
    }

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(CallTimeout, time);
        using var call = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var beat = await control.HeartbeatAsync(_runnerId, call.Token);
            if (beat is null)
            {
                await RegisterAsync(call.Token);
            }
            else if (beat.ActorsVersion != _actorsVersion)
            {
                await ReconcileAsync(call.Token);
            }

            await SleepIdleAsync(call.Token);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // One missed heartbeat loses nothing: the next one says the same.
            LogMissed(logger, e.Message);
        }
    }

    /// <summary>Stops what is here but not on Guard's list. What started after the question was asked cannot be on the answer, so
    /// the local list is taken first.</summary>
    private async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        var here = runner.Actors.All.ToArray();
        var owned = await control.GetOwnedActorsAsync(_runnerId, cancellationToken);
        var keep = owned.Actors.Select(a => (a.ActorId, a.Generation)).ToHashSet();
        foreach (var actor in here.Where(a => !keep.Contains((a.Id, a.Generation))))
        {
            await runner.Actors.StopAsync(actor);
        }

        _actorsVersion = owned.ActorsVersion;
    }

    private async Task SleepIdleAsync(CancellationToken cancellationToken)
    {
        foreach (var actor in runner.Actors.All.Where(a => a.Key != DemoActors.Ready && a.IdleFor >= SleepAfter))
        {
            if (await runner.Actors.StopAsync(actor))
            {
                await control.ReportStoppedAsync(_runnerId, actor.Id, actor.Generation, cancellationToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The demo's runner missed a heartbeat; the likely cause: the control endpoint is busy or going down ({Reason})", EventName = "DemoHeartbeatMissed")]
    private static partial void LogMissed(ILogger logger, string reason);
}
