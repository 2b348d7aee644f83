using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Stores;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Processes;

/// <summary>
/// One life of a runner, by docs/contract.md, section 7: it runs one generation of an actor at a time and the highest it was told, says 421 to any other,
/// registers, sends heartbeats, stops what is no longer its own, and repeats an event until somebody has taken it.
/// </summary>
internal sealed class RunnerLife
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>A ready that is heard so late may be none.</summary>
    private static readonly TimeSpan NotHeardInTime = TimeSpan.FromMilliseconds(300);

    private readonly World _world;
    private readonly SimRunner _runner;
    private readonly Dictionary<ActorId, Activation> _here = [];
    private long? _seenVersion;
    private long _started;
    private int _registeredVersion;

    public RunnerLife(World world, SimRunner runner, int life)
    {
        _world = world;
        _runner = runner;
        Process = world.Scheduler.NewProcess($"runner-{runner.Number}.{life}");
        Process.Run(LiveAsync);
    }

    public SimProcess Process { get; }

    public string Host => _runner.Host;

    /// <summary>The id it has from its last registration; null before the first.</summary>
    public string? RunnerId { get; private set; }

    private TimeSpan HeartbeatInterval => _world.Parameters.Options.Runners.EligibleAfter / 3;

    /// <summary>The start call: a status.</summary>
    public async ValueTask<int> StartAsync(ActorId actor, long generation)
    {
        if (_here.TryGetValue(actor, out var there) && there.Generation >= generation)
        {
            return there.Generation > generation ? 409 : there.IsReady ? 200 : 202;
        }

        var script = _world.May(FaultKinds.BadStarts) ? _world.Next(100) : _world.Next(70);
        if (script >= 70)
        {
            _world.Checks.StartWentWrong(actor);
        }

        if (script is >= 75 and < 80)
        {
            return 500;
        }

        if (script is >= 80 and < 84)
        {
            await Task.Delay(TimeSpan.FromHours(1), Process.Time);
        }

        Release(actor);
        var activation = new Activation(generation, ++_started);
        _here[actor] = activation;
        _world.Checks.Held(this, actor, generation);
        switch (script)
        {
            case < 50:
                await Task.Delay(_world.Between(1, 50), Process.Time);
                return Became(actor, activation) ? 200 : 500;
            case < 70:
                Later(_world.Between(5, 1500), actor, activation, RunnerEventKind.Ready);
                return 202;
            case < 75:
                await Task.Delay(_world.Parameters.Options.Runners.StartTimeout * (_world.Next(150) / 100.0), Process.Time);
                return Became(actor, activation) ? 200 : 500;
            case < 88:
                return 202;
            case < 92:
                Later(_world.Between(5, 500), actor, activation, RunnerEventKind.Stopped);
                return 202;
            case < 95:
                Later(_world.Between(5, 500), actor, activation, RunnerEventKind.Crashed);
                return 202;
            default:
                throw new IOException("connection reset after the start was read");
        }
    }

    /// <summary>The stop call: a status.</summary>
    public async ValueTask<int> StopAsync(ActorId actor, long generation)
    {
        if (!_here.TryGetValue(actor, out var activation) || activation.Generation > generation)
        {
            return 200;
        }

        Release(actor);
        if (_world.Chance(0.5))
        {
            await Task.Delay(_world.Between(1, 200), Process.Time);
            return 200;
        }

        Process.Run(async () =>
        {
            await Task.Delay(_world.Between(1, 200), Process.Time);
            await TellAsync(actor, activation.Generation, RunnerEventKind.Stopped);
        });
        return 202;
    }

    /// <summary>A client's request; false is the answer 421.</summary>
    public async ValueTask<bool> RequestAsync(SimRequest request, ActorId actor, long generation)
    {
        if (!_here.TryGetValue(actor, out var activation) || activation.Generation != generation)
        {
            return false;
        }

        _world.Checks.Ran(this, request, actor, generation);
        await Task.Delay(_world.Between(0.5, 30), Process.Time);
        return true;
    }

    private bool Became(ActorId actor, Activation activation)
    {
        if (!_here.TryGetValue(actor, out var there) || there != activation)
        {
            return false;
        }

        activation.IsReady = true;
        if (_world.May(FaultKinds.ActorsEnd) && _world.Chance(0.6))
        {
            var end = _world.Chance(0.5) ? RunnerEventKind.Sleep : _world.Chance(0.5) ? RunnerEventKind.Crashed : RunnerEventKind.Stopped;
            if (end == RunnerEventKind.Crashed)
            {
                _world.Checks.StartWentWrong(actor);
            }

            Later(_world.Between(100, 8000), actor, activation, end);
        }

        return true;
    }

    /// <summary>Something happens to the activation by itself, unless it has ended by then.</summary>
    private void Later(TimeSpan delay, ActorId actor, Activation activation, RunnerEventKind kind) => Process.Run(async () =>
    {
        await Task.Delay(delay, Process.Time);
        if (!_here.TryGetValue(actor, out var there) || there != activation)
        {
            return;
        }

        if (kind == RunnerEventKind.Ready)
        {
            Became(actor, activation);
        }
        else
        {
            Release(actor);
        }

        await TellAsync(actor, activation.Generation, kind);
    });

    private void Release(ActorId actor)
    {
        if (_here.Remove(actor, out var activation))
        {
            _world.Checks.Released(this, actor, activation.Generation);
        }
    }

    private async Task LiveAsync()
    {
        await RegisterAsync();
        while (true)
        {
            await Task.Delay(HeartbeatInterval, Process.Time);
            if (_registeredVersion != _runner.Version)
            {
                await RegisterAsync();
            }

            var id = RunnerId!;
            var beat = await AskAsync(guard => guard.Control.HeartbeatAsync(id));
            if (!beat.Answered)
            {
                continue;
            }

            if (beat.Result is not { } said)
            {
                await RegisterAsync();
            }
            else if (said.ActorsVersion != _seenVersion)
            {
                await ReconcileAsync();
            }
        }
    }

    private async Task RegisterAsync()
    {
        _seenVersion = null;
        while (true)
        {
            _registeredVersion = _runner.Version;
            var (answered, id) = await AskAsync(guard => guard.Control.RegisterAsync(_runner));
            if (answered)
            {
                RunnerId = id;
                _world.History.Note(Process, $"is registered as {id}");
                return;
            }

            await Task.Delay(_world.Between(100, 1000), Process.Time);
        }
    }

    /// <summary>Stops what is not on the list, except what was started after it was asked for.</summary>
    private async Task ReconcileAsync()
    {
        var asked = _started;
        var id = RunnerId!;
        if (await AskAsync(guard => guard.Control.ActorsAsync(id)) is not (true, { } owned))
        {
            return;
        }

        var keep = owned.Actors.ToHashSet();
        foreach (var (actor, activation) in _here.ToArray())
        {
            if (activation.Number <= asked && !keep.Contains(new(actor, activation.Generation)))
            {
                Release(actor);
            }
        }

        _seenVersion = owned.ActorsVersion;
    }

    /// <summary>Says it until it is heard.</summary>
    private async Task TellAsync(ActorId actor, long generation, RunnerEventKind kind)
    {
        var isTold = false;
        Process.After(NotHeardInTime, () =>
        {
            if (!isTold)
            {
                _world.Checks.StartWentWrong(actor);
            }
        });
        while (true)
        {
            var id = RunnerId;
            if (id is not null)
            {
                var (answered, result) = await AskAsync(guard => guard.Control.EventAsync(id, new(actor, generation, kind, null)));
                if (answered)
                {
                    _world.History.Note(Process, $"said {kind} of {actor} generation {generation}: {(int?)result ?? -1}");
                    if (result is RunnerEventResult.Stale or RunnerEventResult.Unknown
                        && _here.TryGetValue(actor, out var activation) && activation.Generation == generation)
                    {
                        Release(actor);
                    }

                    isTold = true;
                    return;
                }
            }

            await Task.Delay(_world.Between(50, 1000), Process.Time);
        }
    }

    /// <summary>Asks a Guard, whichever the load balancer takes; not answered means no way there, no answer in time, or 503.</summary>
    private async Task<(bool Answered, T? Result)> AskAsync<T>(Func<SimGuard, ValueTask<T>> ask)
    {
        using var patience = new CancellationTokenSource(Patience, Process.Time);
        try
        {
            if (_runner.IsCutFromControl || _world.AnyGuard() is not { } guard)
            {
                await Task.Delay(Patience, Process.Time, patience.Token);
                return default;
            }

            return (true, await Wire.CallAsync(Process, guard.Process, new(_world.Delay(), _world.Delay()), () => ask(guard), patience.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or StoreUnavailableException)
        {
            return default;
        }
    }

    /// <param name="generation">Which generation of the actor.</param>
    /// <param name="number">Its place in the order of starts.</param>
    private sealed class Activation(long generation, long number)
    {
        public long Generation => generation;

        public long Number => number;

        public bool IsReady { get; set; }
    }
}
