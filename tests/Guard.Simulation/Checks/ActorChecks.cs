using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Runners;
using Guard.Model.Stores;
using Guard.Simulation.Engine;
using Guard.Simulation.Processes;

namespace Guard.Simulation.Checks;

/// <summary>One live activation per actor, generations in order, slots that add up.</summary>
internal sealed class ActorChecks(World world)
{
    /// <summary>One look of whoever holds the pool's lease, and the calls in between.</summary>
    private static readonly TimeSpan RestartedWithin = TimeSpan.FromSeconds(3);

    private readonly SortedDictionary<int, ActorRecord> _records = [];
    private readonly Dictionary<int, long> _readySince = [];

    /// <summary>The runner of every generation ever granted.</summary>
    private readonly Dictionary<(int Actor, long Generation), RunnerAddress> _granted = [];

    /// <summary>Generations that a runner has been told to start, and took.</summary>
    private readonly HashSet<(int Actor, long Generation, string Host)> _taken = [];
    private readonly Dictionary<(int Actor, long Generation), RunnerLife> _here = [];
    private readonly SortedSet<string> _runnerIds = new(StringComparer.Ordinal);
    private bool _changed;

    /// <summary>Every actor that was ever made, as the store has it.</summary>
    public IEnumerable<ActorRecord> All => _records.Values;

    public ActorRecord? Find(ActorId id) => _records.GetValueOrDefault(SimIds.NumberOf(id));

    public ActorId? Any(int draw) => _records.Count == 0 ? null : _records.Values.ElementAt(draw % _records.Count).Id;

    /// <summary>Since when the actor is ready without a break, in whatever generation; null while it is not.</summary>
    public long? ReadySince(ActorId id) => _readySince.TryGetValue(SimIds.NumberOf(id), out var since) ? since : null;

    public void CapacityChanged() => _changed = true;

    /// <summary>In the store's process, when the change has been made.</summary>
    public void Changed(ActorId id)
    {
        var number = SimIds.NumberOf(id);
        var now = Read(id)!;
        var before = _records.GetValueOrDefault(number);
        if (ReferenceEquals(before, now))
        {
            return;
        }

        _records[number] = now;
        _changed = true;
        world.History.Note(
            world.Store.Process,
            $"{id} is {now.State} in generation {now.Generation} revision {now.Revision} on {now.Runner?.Location.Endpoint} error {(int?)now.Error?.Kind ?? -1}");
        if (before is not null && (now.Generation < before.Generation || now.Revision <= before.Revision))
        {
            world.Checks.Fail(
                ViolationKind.WentBack,
                $"a{number} went from generation {before.Generation} revision {before.Revision} to {now.Generation}, {now.Revision}");
        }

        if (now is { CrashPolicy: CrashPolicy.Restart, RescheduleTs: 0 }
            && (now.State == ActorState.Crashed || (now.State == ActorState.Sleeping && before?.State == ActorState.Stopping)))
        {
            world.Checks.Fail(ViolationKind.NotRestarted, $"a{number} is to be restarted and has no time for it");
        }

        if (now.State == ActorState.Stopping && before is not { State: ActorState.Ready })
        {
            world.Checks.Fail(ViolationKind.WentBack, $"a{number} went from {before?.State} to stopping");
        }

        if (now.State != ActorState.Ready)
        {
            _readySince.Remove(number);
            return;
        }

        _readySince.TryAdd(number, world.Scheduler.Now);
        var host = new Uri(now.Runner!.Location.Endpoint).Host;
        if (!_taken.Contains((number, now.Generation, host)))
        {
            world.Checks.Fail(ViolationKind.ReadyWithoutRunner, $"a{number} is ready in generation {now.Generation} on {host}, which was not told to start it");
        }
    }

    public void StartDecided(StartRequest request, StartGrant grant)
    {
        world.History.Note(world.Store.Process, $"start of {request.Id} by {request.Starter}: {grant.Status} generation {grant.Actor?.Generation ?? 0}");
        if (grant.Status != StartGrantStatus.Granted)
        {
            return;
        }

        // As the store has it, not as whoever granted the start saw it.
        if (grant.Runner!.DrainTs != 0 || Runner(grant.Runner.RunnerId) is { DrainTs: not 0 })
        {
            world.Checks.Fail(ViolationKind.StartedOnDraining, $"{request.Id} was started on {grant.Runner.Key}, which drains");
        }

        var key = (SimIds.NumberOf(request.Id), grant.Actor!.Generation);
        if (!_granted.TryAdd(key, grant.Runner!.Address))
        {
            world.Checks.Fail(
                ViolationKind.GrantedTwice,
                $"generation {key.Generation} of a{key.Item1} was granted to {request.Starter} after it had been granted already");
        }
    }

    public void Held(RunnerLife runner, ActorId actor, long generation)
    {
        world.History.Note(runner.Process, $"has {actor} generation {generation}");
        var key = (SimIds.NumberOf(actor), generation);
        _taken.Add((key.Item1, generation, runner.Host));
        if (_here.TryGetValue(key, out var other) && other != runner)
        {
            world.Checks.Fail(ViolationKind.TwoActivations, $"{runner.Process} and {other.Process} both have generation {generation} of a{key.Item1}");
        }

        _here[key] = runner;
    }

    public void Released(RunnerLife runner, ActorId actor, long generation)
    {
        world.History.Note(runner.Process, $"has {actor} generation {generation} no more");
        _here.Remove((SimIds.NumberOf(actor), generation));
    }

    public void Died(RunnerLife runner)
    {
        foreach (var (key, _) in _here.Where(here => here.Value == runner).ToArray())
        {
            _here.Remove(key);
        }
    }

    /// <summary>A runner runs a client's request.</summary>
    public void Ran(RunnerLife runner, SimRequest request, ActorId actor, long generation)
    {
        world.History.Note(runner.Process, $"runs request {request.Number} for {actor} generation {generation}");
        if (Find(actor) is not { } record || record.Generation < generation)
        {
            world.Checks.Fail(ViolationKind.TwoActivations, $"{runner.Process} runs generation {generation} of a{SimIds.NumberOf(actor)}, which the store never had");
        }

        if (request.HasRun)
        {
            world.Checks.Fail(ViolationKind.RanTwice, $"{runner.Process} runs request {request.Number}, which was run before");
        }

        request.HasRun = true;
    }

    /// <summary>After a step in which the store changed.</summary>
    public void CheckSlots()
    {
        if (!_changed)
        {
            return;
        }

        _changed = false;
        foreach (var life in world.Runners.Select(r => r.Life.RunnerId).OfType<string>())
        {
            _runnerIds.Add(life);
        }

        foreach (var record in _records.Values)
        {
            if (record.Runner is { } runner)
            {
                _runnerIds.Add(runner.RunnerId);
            }
        }

        foreach (var id in _runnerIds)
        {
            Check(id);
        }
    }

    /// <summary>At the end: a runner has no generation that is over.</summary>
    public void CheckRunners()
    {
        foreach (var ((actor, generation), runner) in _here)
        {
            if (_records[actor] is { } record && (record.Generation != generation || !ActorLifecycle.HoldsSlot(record.State)))
            {
                world.Checks.Fail(
                    ViolationKind.Leftover,
                    $"{runner.Process} still has generation {generation} of a{actor}, which is {record.State} in generation {record.Generation}");
            }
        }
    }

    /// <summary>At the end: no restart is long due. Every Guard has been up for a while, and there are slots for all.</summary>
    /// <param name="health">Of the pool: while it is red restarts go through as its probes, one by one.</param>
    public void CheckRestarts(HealthChecks health)
    {
        var probes = world.Parameters.Options.FailFast.ProbeInterval * (_records.Count + 1);
        var within = RestartedWithin + (health.WasRedSince(world.Scheduler.Now - probes.Ticks) ? probes : TimeSpan.Zero);
        var due = (VirtualTime.Start.AddTicks(world.Scheduler.Now) - within).ToUnixTimeMilliseconds();
        foreach (var (number, record) in _records)
        {
            if (record.RescheduleTs != 0 && record.RescheduleTs < due)
            {
                world.Checks.Fail(ViolationKind.NotRestarted, $"a{number} is {record.State} and was to be restarted {due - record.RescheduleTs} ms ago and more");
            }
        }
    }

    private void Check(string runnerId)
    {
        if (Runner(runnerId) is not { } runner)
        {
            return;
        }

        var taken = _records.Values.Count(a => ActorLifecycle.HoldsSlot(a.State) && a.Runner?.RunnerId == runnerId);
        var free = runner.StopTs != 0 ? 0 : world.Parameters.SlotsPerRunner - taken;
        if (free < 0 || runner.RemainingSlots != free || (runner.StopTs != 0 && taken > 0))
        {
            world.Checks.Fail(
                ViolationKind.Slots,
                $"{runner.Key} ({runnerId}{(runner.StopTs != 0 ? ", stopped" : "")}) has {world.Parameters.SlotsPerRunner} slots, {taken} actors and {runner.RemainingSlots} free");
        }
    }

    private ActorRecord? Read(ActorId id) => Now(world.Store.Truth.GetAsync(id, default));

    private RunnerRecord? Runner(string id) => Now(((IRunnerStore)world.Store.Truth).GetAsync(id, default));

    /// <summary>The model is in this process: everything completes at once.</summary>
    private static T Now<T>(ValueTask<T> answer)
        => answer.IsCompletedSuccessfully ? answer.Result : throw new InvalidOperationException("the model did not answer at once");
}
