using Guard.Model.Actors;
using Guard.Model.Ids;
using Guard.Model.Pools;
using Guard.Model.Stores;
using Guard.Simulation.Engine;
using Guard.Simulation.Processes;

namespace Guard.Simulation.Checks;

/// <summary>
/// What must hold whatever goes wrong. It sees everything at once: the store past any planted bug, the grants as the Guards get them, and
/// what runners and clients do. The first violation ends the run.
/// </summary>
internal sealed class SimChecks
{
    private readonly World _world;
    private readonly ActorChecks _actors;
    private readonly HealthChecks _health;
    private readonly RequestChecks _requests;

    public SimChecks(World world)
    {
        _world = world;
        _actors = new ActorChecks(world);
        _health = new HealthChecks(world);
        _requests = new RequestChecks(world, _actors, _health);
    }

    public Violation? Violation { get; private set; }

    /// <summary>Requests that ended.</summary>
    public int Requests => _requests.Ended;

    /// <summary>Subscribes to the store, before any Guard: what is checked is what is so when the first of them hears of it.</summary>
    public void Attach() => _world.Store.Feed.Subscribe(new Sink(this));

    public void Fail(ViolationKind kind, string text)
    {
        if (Violation is null)
        {
            Violation = new(kind, text);
            _world.History.Explain(_world.Store.Process, $"VIOLATION {Violation}");
        }
    }

    public void AfterStep()
    {
        _actors.CheckSlots();
        _requests.CheckOverdue();
    }

    /// <summary>The last look, when everything has had its time.</summary>
    public void Finish()
    {
        foreach (var guard in _world.Guards)
        {
            if (guard.Limiter.Held != 0 || guard.Waits.Count != 0)
            {
                Fail(ViolationKind.Leftover, $"{guard.Process} holds {guard.Limiter.Held} requests in {guard.Waits.Count} waits");
            }

            foreach (var actor in _actors.All.Where(a => guard.Starter.IsDriving(a.Id)))
            {
                Fail(ViolationKind.Leftover, $"{guard.Process} still wakes a{SimIds.NumberOf(actor.Id)}");
            }
        }

        foreach (var actor in _actors.All.Where(a => a.State is ActorState.Starting or ActorState.Stopping))
        {
            Fail(ViolationKind.Leftover, $"a{SimIds.NumberOf(actor.Id)} is {actor.State} in generation {actor.Generation} for ever");
        }

        _actors.CheckRunners();
        _actors.CheckRestarts(_health);
    }

    public void StartDecided(StartRequest request, StartGrant grant) => _actors.StartDecided(request, grant);

    public void Held(RunnerLife runner, ActorId actor, long generation) => _actors.Held(runner, actor, generation);

    public void Released(RunnerLife runner, ActorId actor, long generation) => _actors.Released(runner, actor, generation);

    public void Died(RunnerLife runner) => _actors.Died(runner);

    public void Ran(RunnerLife runner, SimRequest request, ActorId actor, long generation) => _actors.Ran(runner, request, actor, generation);

    public void StartWentWrong(ActorId actor) => _requests.StartWentWrong(actor);

    public void RunnerFailed() => _requests.RunnerFailed();

    public bool IsDestroyed(ActorId actor) => _actors.Find(actor) is { State: ActorState.Destroyed };

    public ActorId? AnyActor(int draw) => _actors.Any(draw);

    public void ErrorReported() => _health.ErrorReported();

    public void ProbeDecided(ProbeGrant grant, TimeSpan interval) => _health.ProbeDecided(grant, interval);

    public void ProbeEnded(long probeId, bool success) => _health.ProbeEnded(probeId, success);

    public void HealthForgotten() => _health.Forgotten();

    public void HealthHeld(SimGuard guard, PoolHealthSnapshot health) => _health.Held(guard, health);

    public void RequestBegan(SimRequest request) => _requests.Began(request);

    public void CameBack(SimRequest request) => _requests.CameBack(request);

    public void RequestEnded(SimRequest request) => _requests.HasEnded(request);

    public void ClientLeft(SimRequest request) => _requests.ClientLeft(request);

    public void Paused(SimGuard guard) => _requests.Paused(guard);

    public void Resumed(SimGuard guard) => _requests.Resumed(guard);

    public void Died(SimGuard guard) => _requests.Died(guard);

    /// <summary>Until the last open request must have ended.</summary>
    public TimeSpan LongestOpen() => _requests.LongestOpen();

    private sealed class Sink(SimChecks checks) : IChangeSink
    {
        public void ActorChanged(ActorId id, PoolId pool, long revision) => checks._actors.Changed(id);

        public void PoolHealthChanged(PoolHealthSnapshot health) => checks._health.Changed(health);

        public void CapacityChanged(PoolId pool) => checks._actors.CapacityChanged();

        public void Gap()
        {
        }
    }
}
