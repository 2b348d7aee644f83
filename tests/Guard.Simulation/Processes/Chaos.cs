using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Simulation.Engine;

namespace Guard.Simulation.Processes;

/// <summary>Makes things go wrong, one after the other, until it is told to stop and to mend everything.</summary>
internal sealed class Chaos
{
    private readonly World _world;
    private readonly SimProcess _process;
    private readonly List<(FaultKinds Kind, Func<Task> Act)> _faults;

    public Chaos(World world)
    {
        _world = world;
        _process = world.Scheduler.NewProcess("chaos");
        (FaultKinds Kind, Func<Task> Act)[] all =
        [
            (FaultKinds.StoreCut, CutStoreAsync),
            (FaultKinds.StoreDown, StoreDownAsync),
            (FaultKinds.StorePaused, PauseStoreAsync),
            (FaultKinds.HealthEvicted, ForgetHealthAsync),
            (FaultKinds.RunnerCrash, CrashRunnerAsync),
            (FaultKinds.RunnerCut, CutRunnerAsync),
            (FaultKinds.RunnerDeleted, DeleteRunnerAsync),
            (FaultKinds.VersionsChange, ChangeVersionAsync),
            (FaultKinds.RunnerDrained, DrainRunnerAsync),
            (FaultKinds.ActorsDestroyed, DestroyActorAsync),
            (FaultKinds.GuardPaused, PauseGuardAsync),
            (FaultKinds.GuardCrash, CrashGuardAsync),
            (FaultKinds.PoolErrors, ReportErrorAsync),
        ];
        _faults = [.. all.Where(fault => world.Parameters.Has(fault.Kind))];
    }

    public void Start()
    {
        if (_faults.Count > 0)
        {
            _process.Run(async () =>
            {
                while (true)
                {
                    await Task.Delay(_world.About(_world.Parameters.FaultPace), _process.Time);
                    if (_world.IsQuiet)
                    {
                        return;
                    }

                    var act = _faults[_world.Next(_faults.Count)].Act;
                    _process.Run(() => _world.IsQuiet ? Task.CompletedTask : act());
                }
            });
        }
    }

    /// <summary>Ends every fault. What was lost stays lost.</summary>
    public void Mend()
    {
        _world.IsQuiet = true;
        _world.History.Note(_process, $"all faults end");
        MendStore();
        ResumeStore();
        foreach (var guard in _world.Guards.ToArray())
        {
            Resume(guard);
            Restart(guard);
            guard.Link.Mend();
        }

        if (_world.Parameters.Has(FaultKinds.VersionsChange))
        {
            _process.Run(AgreeOnVersionAsync);
        }

        foreach (var runner in _world.Runners)
        {
            (runner.IsCutFromCalls, runner.IsCutFromControl) = (false, false);
            runner.Restart();
        }
    }

    /// <summary>The slots of all runners are needed. Twice: a registration of before may still be under way, and overtake the first.</summary>
    private async Task AgreeOnVersionAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            var version = _world.Runners.Max(r => r.Version) + 1;
            _world.Runners.ForEach(r => r.Version = version);
            await For(6000, 6000);
        }
    }

    private async Task CutStoreAsync()
    {
        var guard = AnyGuard();
        _world.History.Note(guard.Process, $"is cut off from the store");
        guard.Link.Cut();
        await For(100, 6000);
        if (guard.Link.IsCut)
        {
            _world.History.Note(guard.Process, $"has a way to the store again");
            guard.Link.Mend();
        }
    }

    private async Task StoreDownAsync()
    {
        if (_world.Store.IsDown)
        {
            return;
        }

        _world.Store.IsDown = true;
        _world.History.Note(_world.Store.Process, $"dies");
        _world.Guards.ForEach(g => g.Link.Break());
        await For(100, 6000);
        MendStore();
    }

    private void MendStore()
    {
        if (_world.Store.IsDown)
        {
            _world.Store.IsDown = false;
            _world.History.Note(_world.Store.Process, $"is back with its data");
            _world.Guards.ForEach(g => g.Link.Reconnect());
        }
    }

    private async Task PauseStoreAsync()
    {
        if (_world.Store.Process.IsPaused)
        {
            return;
        }

        _world.History.Note(_world.Store.Process, $"stands still");
        _world.Scheduler.Pause(_world.Store.Process);
        await For(100, 4000);
        ResumeStore();
    }

    private void ResumeStore()
    {
        if (_world.Store.Process.IsPaused)
        {
            _world.History.Note(_world.Store.Process, $"goes on");
            _world.Scheduler.Resume(_world.Store.Process);
        }
    }

    private Task ForgetHealthAsync()
    {
        _world.History.Note(_world.Store.Process, $"forgets pool health");
        _world.Store.HealthModel.Forget();
        _world.Checks.HealthForgotten();
        return Task.CompletedTask;
    }

    private async Task CrashRunnerAsync()
    {
        var runner = AnyRunner();
        if (runner.Life.Process.IsAlive)
        {
            runner.Crash();
            await For(50, 12_000);
            runner.Restart();
        }
    }

    private async Task CutRunnerAsync()
    {
        var runner = AnyRunner();
        var which = _world.Next(3);
        runner.IsCutFromCalls |= which != 0;
        runner.IsCutFromControl |= which != 1;
        _world.Checks.RunnerFailed();
        _world.History.Note(runner.Life.Process, $"is cut off (0 from control, 1 from calls, 2 both): {which}");
        await For(500, 15_000);
        (runner.IsCutFromCalls, runner.IsCutFromControl) = (false, false);
        _world.Checks.RunnerFailed();
        _world.History.Note(runner.Life.Process, $"is cut off no more");
    }

    private Task DeleteRunnerAsync()
    {
        if (AnyRunner().Life.RunnerId is { } id && _world.AnyGuard() is { } guard)
        {
            _world.Checks.RunnerFailed();
            guard.Process.Run(() => TryAsync(() => guard.Control.DeleteRunnerAsync(id)));
        }

        return Task.CompletedTask;
    }

    /// <summary>An upgrade, or a rollback.</summary>
    private Task ChangeVersionAsync()
    {
        var runner = AnyRunner();
        runner.Version = 1 + _world.Next(4);
        _world.History.Note(runner.Life.Process, $"is of version {runner.Version} now");
        return Task.CompletedTask;
    }

    private async Task DrainRunnerAsync()
    {
        var runner = AnyRunner();
        if (runner.Life.RunnerId is not { } id)
        {
            return;
        }

        await InsistAsync(guard => guard.Control.DrainRunnerAsync(id));
        _world.History.Note(runner.Life.Process, $"drains");
        await For(500, 10_000);
        _world.Checks.RunnerFailed();
        await InsistAsync(guard => guard.Control.DeleteRunnerAsync(id));
    }

    /// <summary>An operator's call, repeated until it comes through.</summary>
    private async Task InsistAsync(Func<SimGuard, ValueTask<bool>> call)
    {
        var isDone = false;
        while (!isDone)
        {
            if (_world.AnyGuard() is { } guard)
            {
                guard.Process.Run(() => TryAsync(async () =>
                {
                    await call(guard);
                    return isDone = true;
                }));
            }

            await For(200, 500);
        }
    }

    private Task DestroyActorAsync()
    {
        if (_world.Chance(0.3) && _world.Checks.AnyActor(_world.Next(1000)) is { } actor && _world.AnyGuard() is { } guard)
        {
            guard.Process.Run(() => TryAsync(() => guard.Control.DestroyAsync(actor)));
        }

        return Task.CompletedTask;
    }

    private async Task PauseGuardAsync()
    {
        var guard = AnyGuard();
        if (guard.Process.IsPaused)
        {
            return;
        }

        _world.History.Note(guard.Process, $"stands still");
        _world.Scheduler.Pause(guard.Process);
        _world.Checks.Paused(guard);
        await For(100, 8000);
        Resume(guard);
    }

    private void Resume(SimGuard guard)
    {
        if (guard.Process.IsPaused)
        {
            _world.History.Note(guard.Process, $"goes on");
            _world.Scheduler.Resume(guard.Process);
            _world.Checks.Resumed(guard);
        }
    }

    private async Task CrashGuardAsync()
    {
        var guard = AnyGuard();
        if (!guard.Process.IsAlive)
        {
            return;
        }

        _world.History.Note(guard.Process, $"crashes");
        guard.Process.Kill();
        _world.Checks.Died(guard);
        await For(50, 8000);
        Restart(guard);
    }

    /// <summary>A new life with a new identity in the place of a dead one.</summary>
    private void Restart(SimGuard guard)
    {
        var place = _world.Guards.IndexOf(guard);
        if (place >= 0 && !guard.Process.IsAlive)
        {
            _world.Guards[place] = new SimGuard(_world, guard.Number, guard.Life + 1);
            if (_world.Store.IsDown)
            {
                _world.Guards[place].Link.Break();
            }
        }
    }

    private Task ReportErrorAsync()
    {
        var good = _world.Chance(0.3);
        if (_world.AnyGuard() is { } guard)
        {
            guard.Process.Run(() => TryAsync(() => guard.Control.ReportAsync(good ? null : new PoolError(PoolErrorKind.InternalError))));
        }

        return Task.CompletedTask;
    }

    private SimGuard AnyGuard() => _world.Guards[_world.Next(_world.Guards.Count)];

    private SimRunner AnyRunner() => _world.Runners[_world.Next(_world.Runners.Count)];

    private async Task For(int fromMs, int toMs) => await Task.Delay(_world.Between(fromMs, toMs), _process.Time);

    /// <summary>An operator's call; one that fails is not repeated.</summary>
    private static async Task TryAsync(Func<ValueTask<bool>> call)
    {
        try
        {
            await call();
        }
        catch (StoreException)
        {
        }
    }
}
